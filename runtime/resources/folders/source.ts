/** Resources in folders, as a sidecar on a machine of its own has them: read once, at the start. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "../../shared/log.ts";
import { selectComponents } from "../kinds/component.ts";
import { loadConfiguration } from "../kinds/configuration.ts";
import { textsIn } from "./files.ts";
import { selectHttpEndpoints } from "../kinds/http-endpoint.ts";
import { tellKind } from "../other-kinds.ts";
import type { ResourceSource } from "../source.ts";
import { readDocuments, YamlError, type Value } from "../values/yaml.ts";

export interface FoldersOptions {
  appId: string;
  folders: string[];
  configurationFiles: readonly string[];
  env: Record<string, string | undefined>;
  log: Logger;
  /** The start is called off: reading rejects. */
  signal: AbortSignal;
}

/** Rejects, file and line named, on what a sidecar should not start with. */
export function openFolders(options: FoldersOptions): ResourceSource {
  const { folders, configurationFiles, log, signal } = options;
  const documents: (Value | YamlError)[] = [];
  let denied: readonly string[] = [];
  return {
    async configuration() {
      const found = loadConfiguration(options.configurationFiles, options);
      denied = found.deniedComponents;
      return found;
    },
    async components() {
      for (const folder of folders)
        for (const { file, text } of textsIn(folder, log)) {
          documents.push(...readDocuments(text, file));
          // Signals are heard between two turns.
          await nextTurn();
          signal.throwIfAborted();
        }
      for (const document of documents)
        if (!(document instanceof YamlError))
          tellKind(document, configurationFiles, log);
      return selectComponents(documents, { ...options, denied });
    },
    async httpEndpoints(secrets) {
      const found = await selectHttpEndpoints(documents, {
        ...options,
        secrets,
      });
      documents.length = 0;
      return found;
    },
    async close() {},
  };
}
