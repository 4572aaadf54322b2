/** `spec.policies` of a Resiliency: timeouts, retries and circuit breakers by their names. */
import type {
  BreakerPolicy,
  CodeRange,
  RetryPolicy,
} from "../../contracts/resiliency.ts";
import { compileCel } from "../../shared/cel.ts";
import { nearestName, short } from "../../shared/nearest-name.ts";
import { where, type Position } from "../../shared/position.ts";
import { parseDurationMs } from "../../shared/units.ts";
import { mapAt, member, textOf, type Value } from "../values/yaml.ts";

/** The members of a map by their names as written. */
export function namedIn(
  value: Value | undefined,
  path: string,
): [name: string, value: Value, path: string][] {
  const map = mapAt(value, path);
  if (map?.kind !== "map") return [];
  return [...map.entries].map(([folded, item]) => {
    const name = item.key?.name ?? folded;
    return [name, item, `${path}.${short(name)}`];
  });
}

/** Undefined where there is none. Throws on what is no whole number, or less than `least`. */
export function wholeAt(
  value: Value | undefined,
  path: string,
  least = -Infinity,
): number | undefined {
  const text = textOf(value);
  if (text === "") return undefined;
  if (/^[+-]?\d{1,10}$/.test(text) && Number(text) >= least)
    return Number(text);
  throw new Error(
    `${path} ${JSON.stringify(text.slice(0, 60))} is no whole number${least > -Infinity ? ` of at least ${least}` : ""} (${where(value?.at)})`,
  );
}

/** Undefined where there is none; a bare number is milliseconds. Throws on anything else, and on less than nothing. */
function durationAt(
  value: Value | undefined,
  path: string,
): number | undefined {
  const text = textOf(value);
  if (text === "") return undefined;
  const wrong = (why: string) =>
    new Error(`${path}: ${why} (${where(value?.at)})`);
  let ms: number;
  try {
    ms = parseDurationMs(text, 1);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (ms < 0) throw wrong(`"${text}" is less than no time`);
  return ms;
}

export function readTimeouts(policies: Value | undefined): Map<string, number> {
  const path = "spec.policies.timeouts";
  const read = new Map<string, number>();
  for (const [name, value, at] of namedIn(member(policies, "timeouts"), path)) {
    const ms = durationAt(value, at);
    if (ms === undefined)
      throw new Error(
        `${at} says no time; write one such as 5s (${where(value.at)})`,
      );
    read.set(name, ms);
  }
  return read;
}

/** The original's defaults. */
const usual = { durationMs: 5000, maxIntervalMs: 60_000 };

export function readRetries(
  policies: Value | undefined,
  tell: (line: string, at: Position) => void,
): Map<string, RetryPolicy> {
  const read = new Map<string, RetryPolicy>();
  const all = namedIn(member(policies, "retries"), "spec.policies.retries");
  for (const [name, value, path] of all) {
    mapAt(value, path);
    const policy = policyAt(member(value, "policy"), `${path}.policy`);
    const [fit, idle] =
      policy === "constant"
        ? ["duration", "maxInterval"]
        : ["maxInterval", "duration"];
    const unused = member(value, idle!);
    if (unused)
      tell(
        `${path}.${idle} has no effect on a policy that is ${policy}, which takes ${fit}`,
        unused.at,
      );
    const maxRetries =
      wholeAt(member(value, "maxRetries"), `${path}.maxRetries`) ?? -1;
    const matching = mapAt(member(value, "matching"), `${path}.matching`);
    const codes = (of: string, first: number, last: number) =>
      codesAt(member(matching, of), `${path}.matching.${of}`, first, last);
    const httpCodes = codes("httpStatusCodes", 100, 599);
    const grpcCodes = codes("gRPCStatusCodes", 0, 16);
    read.set(name, {
      policy,
      durationMs:
        durationAt(member(value, "duration"), `${path}.duration`) ??
        usual.durationMs,
      maxIntervalMs:
        durationAt(member(value, "maxInterval"), `${path}.maxInterval`) ??
        usual.maxIntervalMs,
      maxRetries: maxRetries < 0 ? Infinity : maxRetries,
      ...(httpCodes ? { httpCodes } : {}),
      ...(grpcCodes ? { grpcCodes } : {}),
    });
  }
  return read;
}

function policyAt(
  value: Value | undefined,
  path: string,
): RetryPolicy["policy"] {
  const text = textOf(value).toLowerCase();
  if (text === "") return "constant";
  if (text === "constant" || text === "exponential") return text;
  throw new Error(
    `${path} ${short(text)} is neither constant nor exponential (${where(value?.at)})`,
  );
}

/** `429,500-599`; undefined where there are none. */
function codesAt(
  value: Value | undefined,
  path: string,
  first: number,
  last: number,
): CodeRange[] | undefined {
  const parts = textOf(value)
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  if (parts.length === 0) return undefined;
  return parts.map((part) => {
    const found = /^(\d{1,3})(?: *- *(\d{1,3}))?$/.exec(part);
    const from = Number(found?.[1]);
    const to = Number(found?.[2] ?? from);
    if (found && from >= first && to <= last && from <= to) return [from, to];
    throw new Error(
      `${path}: ${JSON.stringify(part.slice(0, 60))} is neither a code from ${first} to ${last} nor a range of them such as ${last - 1}-${last} (${where(value?.at)})`,
    );
  });
}

/** What `trip` may ask of. */
const countNames = [
  "requests",
  "totalSuccesses",
  "totalFailures",
  "consecutiveSuccesses",
  "consecutiveFailures",
] as const;

const usualTrip = "consecutiveFailures > 5";

export async function readBreakers(
  policies: Value | undefined,
): Promise<Map<string, BreakerPolicy>> {
  const read = new Map<string, BreakerPolicy>();
  const all = namedIn(
    member(policies, "circuitBreakers"),
    "spec.policies.circuitBreakers",
  );
  for (const [name, value, path] of all) {
    mapAt(value, path);
    const trip = member(value, "trip");
    read.set(name, {
      maxRequests:
        wholeAt(member(value, "maxRequests"), `${path}.maxRequests`, 0) || 1,
      intervalMs:
        durationAt(member(value, "interval"), `${path}.interval`) ?? 0,
      timeoutMs:
        durationAt(member(value, "timeout"), `${path}.timeout`) || 60_000,
      trip: textOf(trip) || usualTrip,
      trips: textOf(trip)
        ? await readTrip(trip!, `${path}.trip`)
        : (counts) => counts.consecutiveFailures > 5,
    });
  }
  return read;
}

async function readTrip(
  value: Value,
  path: string,
): Promise<BreakerPolicy["trips"]> {
  const text = textOf(value);
  const wrong = (why: string) =>
    new Error(
      `${path} ${JSON.stringify(text.slice(0, 100))}: ${why} (${where(value.at)})`,
    );
  const { names, evaluate } = await compileCel(text).catch((error: Error) => {
    throw wrong(error.message);
  });
  for (const name of names) {
    if (countNames.some((known) => known === name)) continue;
    const near = nearestName(name, countNames);
    throw wrong(
      `${short(name)} is no count of a circuit breaker; ${near ? `did you mean ${near}?` : `there are ${countNames.join(", ")}`}`,
    );
  }
  const trips: BreakerPolicy["trips"] = (counts) => {
    const integers: Record<string, bigint> = {};
    for (const name of countNames) integers[name] = BigInt(counts[name]);
    try {
      return evaluate(integers) === true;
    } catch {
      return false; // as in the original: a share of no requests, for example
    }
  };
  const samples = [1n, 3n].map((some) => {
    const counts = countNames.map((one, i) => [one, some + 2n * BigInt(i)]);
    try {
      return evaluate(Object.fromEntries(counts));
    } catch (error) {
      return error as Error;
    }
  });
  const [first] = samples;
  // What fails for all counts would never open it.
  if (samples.every((one) => one instanceof Error))
    throw wrong((first as Error).message);
  if (
    samples.some((one) => typeof one !== "boolean" && !(one instanceof Error))
  )
    throw wrong("it is no condition, which is true or false");
  return trips;
}
