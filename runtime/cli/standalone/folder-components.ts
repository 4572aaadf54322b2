/** Every component of the given folders, whichever app it is for. */
import type { Logger } from "../../shared/log.ts";
import { documentsIn } from "../../resources/folders/files.ts";
import {
  selectComponents,
  type LoadedComponent,
  type LoadOptions,
} from "../../resources/kinds/component.ts";
import { member, textsOf, YamlError } from "../../resources/values/yaml.ts";

/** In file order, two of one name too. What is wrong in the files is a warning. Throws if a folder can't be read. */
export function* componentsIn(
  folders: readonly string[],
  log: Logger,
  onMalformed?: LoadOptions["onMalformed"],
): Generator<LoadedComponent> {
  for (const document of documentsIn(folders, log)) {
    const [anApp = ""] =
      document instanceof YamlError ? [] : textsOf(member(document, "scopes"));
    yield* selectComponents([document], {
      appId: anApp,
      env: process.env,
      log,
      ...(onMalformed ? { onMalformed } : {}),
    });
  }
}
