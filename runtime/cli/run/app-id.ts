/** A random name for an app that was given none, e.g. `brookwarm-otter`. */
import { randomInt } from "node:crypto";

const things = [
  "brook",
  "cloud",
  "ember",
  "field",
  "grove",
  "harbor",
  "lantern",
  "meadow",
  "pebble",
  "ridge",
  "sail",
  "thicket",
];
const manners = [
  "bold",
  "calm",
  "deft",
  "fair",
  "glad",
  "keen",
  "mild",
  "neat",
  "quick",
  "spry",
  "true",
  "warm",
];
const animals = [
  "badger",
  "crane",
  "dormouse",
  "falcon",
  "gecko",
  "heron",
  "lynx",
  "marten",
  "otter",
  "plover",
  "stoat",
  "wren",
];

export function randomAppId(taken: ReadonlySet<string>): string {
  const pick = (words: string[]) => words[randomInt(words.length)]!;
  for (;;) {
    const name = `${pick(things)}${pick(manners)}-${pick(animals)}`;
    if (!taken.has(name)) return name;
  }
}
