/** Resources in folders, as a sidecar on a machine of its own has them: read once, at the start. */
import type { Logger } from "../log.ts";
import { loadComponents } from "./components.ts";
import { loadConfiguration } from "./configuration.ts";
import { loadHttpEndpoints } from "./http-endpoints.ts";
import type { ResourceSource } from "./source.ts";

export interface FoldersOptions {
  appId: string;
  folders: string[];
  configurationFiles: readonly string[];
  env: Record<string, string | undefined>;
  log: Logger;
}

/** Rejects, file and line named, on what a sidecar should not start with. */
export function openFolders(options: FoldersOptions): ResourceSource {
  const { folders } = options;
  let denied: readonly string[] = [];
  return {
    async configuration() {
      const found = loadConfiguration(options.configurationFiles, options);
      denied = found.deniedComponents;
      return found;
    },
    components: async () => loadComponents(folders, { ...options, denied }),
    httpEndpoints: (secrets) =>
      loadHttpEndpoints(folders, { ...options, secrets }),
    async close() {},
  };
}
