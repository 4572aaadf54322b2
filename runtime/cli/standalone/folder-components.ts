/** Every component of the given folders, whichever app it is for. */
import type { Logger } from "../../shared/log.ts";
import { documentsIn } from "../../resources/folders/files.ts";
import {
  selectComponents,
  type LoadedComponent,
} from "../../resources/kinds/component.ts";
import {
  member,
  textsOf,
  YamlError,
  type Value,
} from "../../resources/values/yaml.ts";

/** In file order, two of one name too. What is wrong in the files is a warning. Throws if a folder can't be read. */
export function* componentsIn(
  folders: readonly string[],
  log: Logger,
): Generator<LoadedComponent> {
  for (const document of documentsIn(folders, log))
    yield* selectComponents([document], {
      appId: anAppOf(document),
      env: process.env,
      log,
    });
}

/** An app that gets the resource: without scopes any does, so it needs no name. */
export function anAppOf(document: Value | YamlError): string {
  if (document instanceof YamlError) return "";
  return textsOf(member(document, "scopes"))[0] ?? "";
}
