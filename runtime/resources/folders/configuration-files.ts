/** The files of `--config`: read at the start, and again when one changes. A change that is right restarts the sidecar. */
import { basename, dirname, resolve } from "node:path";
import type { Configuration } from "../../contracts/configuration.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { loadConfiguration } from "../kinds/configuration.ts";
import { silent } from "../silent.ts";
import { watchFolders } from "./watch.ts";

export interface ConfigurationFilesOptions {
  configurationFiles: readonly string[];
  relistMs: number;
  env: Record<string, string | undefined>;
  log: Logger;
}

export function openConfigurationFiles({
  configurationFiles: files,
  relistMs,
  env,
  log,
}: ConfigurationFilesOptions) {
  let inUse = "";
  let stopWatching: (() => void) | undefined;
  let onChanged: ((reason: string) => void) | undefined;
  let isStale = false;
  let told: string | undefined;

  function readAgain(): void {
    if (!onChanged) {
      isStale = true;
      return;
    }
    try {
      const now = textOf(loadConfiguration(files, { env, log: silent }));
      told = undefined;
      if (now === inUse) return;
      inUse = now;
      onChanged(`the Configuration in ${files.join(", ")} has changed`);
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== told)
        log.error(
          `a changed Configuration is not taken: ${problem}; the sidecar goes on as it said before until this is mended`,
        );
      told = problem;
    }
  }

  return {
    /** Throws on a mistake with which a sidecar should not start. */
    load(): Configuration {
      const found = loadConfiguration(files, { env, log });
      inUse = textOf(found);
      return found;
    },
    /** Notices changes from here on. */
    follow(): void {
      if (files.length === 0) return;
      const names = new Set(files.map((file) => basename(file)));
      const folders = new Set(files.map((file) => dirname(resolve(file))));
      stopWatching = watchFolders(
        [...folders],
        relistMs,
        log,
        readAgain,
        (name) => names.has(name),
      );
    },
    /** Tells of them. */
    tell(to: (reason: string) => void): void {
      onChanged = to;
      if (isStale) readAgain();
    },
    unfollow(): void {
      stopWatching?.();
      onChanged = undefined;
    },
  };
}

/** Where its settings stand does not matter. */
const textOf = (configuration: Configuration) =>
  JSON.stringify(configuration, (key, value: unknown) =>
    key === "at" || key === "nameAt" ? undefined : value,
  );
