/** The names of a run file's keys, and which of them a misspelt one may mean. */
import { editDistance } from "../../shared/nearest-name.ts";
import { appKeys, sharedKeys } from "./run-file-keys.ts";

export const keysOf = {
  top: ["version", "name", "common", "apps"],
  common: Object.keys(sharedKeys),
  app: Object.keys(appKeys),
};
export type Level = keyof typeof keysOf;

/** `app_protocol` and `APPPROTOCOL` mean `appProtocol`; any other slip may be two letters off. */
export function nearestKey(name: string, level: Level): string | undefined {
  const plain = (key: string) => key.toLowerCase().replace(/[-_\s]/g, "");
  // No key is longer than 40, and the distance grows with the square.
  if (name.length > 60) return undefined;
  return keysOf[level]
    .map((key) => ({ key, edits: editDistance(plain(name), plain(key)) }))
    .filter(({ key, edits }) => edits <= Math.min(2, key.length / 3))
    .sort((a, b) => a.edits - b.edits)[0]?.key;
}

/** The one of these keys of a map that is a slip of `key`. */
export const slipOf = (
  key: string,
  given: readonly string[],
  level: Level,
): string | undefined =>
  given.find(
    (name) => !keysOf[level].includes(name) && nearestKey(name, level) === key,
  );
