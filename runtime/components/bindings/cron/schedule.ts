/**
 * Schedules as the original's cron library reads them (docs/protocol/bindings.md):
 * 5 or 6 fields, descriptors, `@every`, a time zone in front. croner finds the
 * times. It gets the fields as plain lists, because its own grammar knows more
 * (L, W, #, 7 for Sunday) and reads `?` differently.
 */
import { Cron } from "croner";
import { parseDurationMs } from "../../../shared/units.ts";

export interface Schedule {
  /** The first time after `afterMs`, both in ms since 1970; undefined when there is none. */
  next(afterMs: number): number | undefined;
}

const descriptors: Record<string, string> = {
  "@yearly": "0 0 0 1 1 *",
  "@annually": "0 0 0 1 1 *",
  "@monthly": "0 0 0 1 * *",
  "@weekly": "0 0 0 * * 0",
  "@daily": "0 0 0 * * *",
  "@midnight": "0 0 0 * * *",
  "@hourly": "0 0 * * * *",
};

interface Field {
  name: string;
  min: number;
  max: number;
  names?: string[];
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const fields: Field[] = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: months },
  {
    name: "day of week",
    min: 0,
    max: 6,
    names: "sun mon tue wed thu fri sat".split(" "),
  },
];

/** Throws an error that says what is wrong with the text. */
export function parseSchedule(text: string): Schedule {
  const [, zone, rest] = /^(?:(?:CRON_)?TZ=(\S*)\s+)?(.*)$/s.exec(text.trim())!;
  const every = /^@every\s+(\S.*)$/.exec(rest!)?.[1];
  if (every !== undefined) return everyPeriod(every);
  const timezone = zoneOf(zone);
  const written = rest!.startsWith("@")
    ? descriptorOf(rest!)
    : rest!.split(/\s+/);
  if (written.length === 5) written.unshift("0");
  if (written.length !== 6)
    throw new Error(
      `it has ${rest === "" ? 0 : written.length} fields where 5 or 6 are expected: (second) minute hour day month weekday`,
    );
  const pattern = written.map((field, i) => plain(field, fields[i]!)).join(" ");
  const cron = new Cron(pattern, { timezone, paused: true, mode: "6-part" });
  const schedule: Schedule = {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime(),
  };
  if (schedule.next(Date.now()) === undefined)
    throw new Error("there is no such date");
  return schedule;
}

function descriptorOf(text: string): string[] {
  const pattern = descriptors[text];
  if (pattern === undefined)
    throw new Error(
      `${text} is none of ${Object.keys(descriptors).join(", ")}, @every DURATION`,
    );
  return pattern.split(" ");
}

/** A period in whole seconds, at least one, from the time it is started. */
function everyPeriod(text: string): Schedule {
  if (/^[+-]?[\d.]+$/.test(text))
    throw new Error(`@every ${text} has no unit, as in ${text}s`);
  const givenMs = parseDurationMs(text, 1);
  const periodMs = Math.max(1000, givenMs - (givenMs % 1000));
  return { next: (afterMs) => afterMs - (afterMs % 1000) + periodMs };
}

/** A time zone. `Local` and no name at all mean the machine's, an empty name means UTC, as in Go. */
function zoneOf(name: string | undefined): string | undefined {
  if (name === undefined || name === "Local") return undefined;
  if (name === "") return "UTC";
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
  } catch (error) {
    throw new Error(`there is no time zone ${name}`, { cause: error });
  }
  return name;
}

/** A field as numbers with commas, or a star. */
function plain(text: string, field: Field): string {
  const values = new Set<number>();
  let isStar = false;
  for (const part of text.split(",")) {
    const [range = "", stepText, ...more] = part.split("/");
    const [fromText = "", toText, ...tail] = range.split("-");
    const fail = (problem: string) =>
      new Error(`${field.name} "${text}": ${problem}`);
    if (more.length > 0 || tail.length > 0)
      throw fail("a range is A-B, a step /N, each at most once");
    const step = stepText === undefined ? 1 : wholeOf(stepText);
    if (step === undefined || step === 0)
      throw fail(`the step "${stepText}" is not a number above 0`);
    const isAny = range === "*" || range === "?";
    isStar ||= isAny && step === 1;
    const from = isAny ? field.min : valueOf(fromText, field);
    const to = isAny
      ? field.max
      : toText !== undefined
        ? valueOf(toText, field)
        : stepText !== undefined
          ? field.max
          : from;
    if (from === undefined || to === undefined)
      throw fail(
        `"${from === undefined ? fromText : toText}" is not a number${field.names ? " or a name" : ""}`,
      );
    if (from < field.min || to > field.max)
      throw fail(`it goes from ${field.min} to ${field.max}`);
    if (from > to) throw fail(`${from} is beyond ${to}, where the range ends`);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return isStar ? "*" : [...values].sort((a, b) => a - b).join(",");
}

const wholeOf = (text: string): number | undefined =>
  /^\d{1,9}$/.test(text) ? Number(text) : undefined;

function valueOf(text: string, { names, min }: Field): number | undefined {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  return named >= 0 ? named + min : wholeOf(text);
}
