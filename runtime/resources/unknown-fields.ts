/** Warns about names that do not exist or are written twice: a slip must not silently open what it should close. */
import type { Logger } from "../shared/log.ts";
import { nearestName, short } from "../shared/nearest-name.ts";
import { where } from "../shared/position.ts";
import type { Key, Value } from "./values/yaml.ts";

/** What a map may contain, `*` under whatever name. `true` stands for anything; a list with one entry for a list of such. */
export interface Fields {
  [name: string]: Fields | [Fields] | true;
}

/** How many slips of one document are named. */
const mostTold = 20;

/** Warns, with its line, about each member of a map that is not among `known`; `path` names the map. */
export function tellUnknown(
  value: Value | undefined,
  known: readonly string[],
  path: string,
  log: Logger,
): void {
  if (value?.kind !== "map") return;
  for (const key of unknownIn(value, known)) {
    const near = nearestName(key.name, known);
    log.warn(
      `the Configuration's ${path}.${short(key.name)} is not a setting${near ? `; did you mean ${near}?` : ""} (${where(key.at)})`,
    );
  }
}

/** Warns about fields that are not among `fields`, with the nearest name or where they belong, and about fields written twice. */
export function tellFields(
  document: Value,
  fields: Fields,
  owner: string,
  log: Logger,
): void {
  const told: string[] = [];
  const walk = (value: Value, known: Fields, path: string) => {
    if (value.kind !== "map") return;
    const inner = known["*"];
    if (inner) {
      if (inner !== true && !Array.isArray(inner))
        for (const [folded, item] of value.entries)
          walk(item, inner, `${path}${short(item.key?.name ?? folded)}.`);
      return;
    }
    for (const key of unknownIn(value, Object.keys(known))) {
      const near = nearestName(key.name, Object.keys(known));
      const home = near ? undefined : homeOf(key.name, fields);
      const hint = near
        ? `; did you mean ${near}?`
        : home === undefined
          ? ""
          : `; it belongs ${home === "" ? "to the top level" : `under ${home}`}: look at the indentation`;
      told.push(
        `${owner}: ${path}${short(key.name)} is not a field and has no effect${hint} (${where(key.at)})`,
      );
    }
    for (const [name, shape] of Object.entries(known)) {
      const member = value.entries.get(name.toLowerCase());
      if (!member || shape === true) continue;
      if (!Array.isArray(shape)) walk(member, shape, `${path}${name}.`);
      else if (member.kind === "list")
        for (const [i, item] of member.items.entries())
          walk(item, shape[0], `${path}${name}[${i}].`);
    }
  };
  walk(document, fields, "");
  for (const line of told.slice(0, mostTold)) log.warn(line);
  if (told.length > mostTold)
    log.warn(`${owner}: and ${told.length - mostTold} more unknown fields`);
  tellDoubled(document, owner, log);
}

/** Warns about each name that is written twice in one map, at whatever depth. */
export function tellDoubled(document: Value, owner: string, log: Logger): void {
  const found: Key[] = [];
  const walk = (value: Value) => {
    if (value.kind === "text") return;
    if (value.kind === "map") found.push(...(value.doubled ?? []));
    const inner = value.kind === "map" ? value.entries.values() : value.items;
    for (const item of inner) walk(item);
  };
  walk(document);
  for (const { name, at } of found.slice(0, mostTold))
    log.warn(
      `${owner}: ${short(name)} is written twice in one map, of which the last counts (${where(at)})`,
    );
}

function unknownIn(
  { entries, at }: Value & { kind: "map" },
  known: readonly string[],
): Key[] {
  const names = new Set(known.map((name) => name.toLowerCase()));
  return [...entries]
    .filter(([folded]) => !names.has(folded))
    .map(([folded, { key }]) => key ?? { name: folded, at });
}

/** The path of the map that has a field of that name; the first one found. */
function homeOf(name: string, fields: Fields, path = ""): string | undefined {
  const wanted = name.toLowerCase();
  if (Object.keys(fields).some((field) => field.toLowerCase() === wanted))
    return path;
  for (const [field, shape] of Object.entries(fields)) {
    if (shape === true || Array.isArray(shape)) continue;
    const home = homeOf(name, shape, path ? `${path}.${field}` : field);
    if (home !== undefined) return home;
  }
  return undefined;
}
