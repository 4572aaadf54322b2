/** Settings of a Configuration that are nowhere known: a slip must not silently open what it should close. */
import type { Logger } from "../log.ts";
import { editDistance, where } from "../metadata.ts";
import type { Value } from "./yaml.ts";

/** Warns, with its line, about each member of a map that is not among `known`; `path` names the map. */
export function tellUnknown(
  value: Value | undefined,
  known: readonly string[],
  path: string,
  log: Logger,
): void {
  if (value?.kind !== "map") return;
  for (const [key, { at }] of value.entries) {
    const names = known.map((name) => name.toLowerCase());
    if (names.includes(key)) continue;
    const near = names.findIndex((name) => editDistance(name, key) <= 2);
    log.warn(
      `the Configuration's ${path}.${key} is not a setting${near < 0 ? "" : `; did you mean ${known[near]}?`} (${where(at)})`,
    );
  }
}
