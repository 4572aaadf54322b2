/** What a request's metadata say about the envelope (docs/protocol/pubsub.md). */
import { parseDurationMs } from "../../shared/units.ts";

/** Attributes that the publisher gives. An empty one is the default. */
export interface Overrides {
  id?: string;
  source?: string;
  type?: string;
  subject?: string;
  traceid?: string;
  traceparent?: string;
  tracestate?: string;
}

export type Metadata = Readonly<Record<string, string>>;

const prefix = "cloudevent.";
const names = new Set<string>([
  "id",
  "source",
  "type",
  "subject",
  "traceid",
  "traceparent",
  "tracestate",
] satisfies (keyof Overrides)[]);
const none: Overrides = {};

/** `cloudevent.id` and the like, in any case; of several spellings the one in lower case wins. */
export function overridesIn(metadata: Metadata): Overrides {
  let found: Overrides = none;
  for (const key in metadata) {
    const lower = key.toLowerCase();
    if (!lower.startsWith(prefix)) continue;
    const name = lower.slice(prefix.length) as keyof Overrides;
    if (!names.has(name)) continue;
    if (found === none) found = {};
    if (key === lower || found[name] === undefined)
      found[name] = metadata[key]!;
  }
  return found;
}

/** Go's longest duration. */
const longestMs = 9_223_372_036_854;

/** `ttl`, else `ttlInSeconds`, in any case: a Go duration or a whole number of seconds. Undefined if there is none that can be read. */
export function ttlMs(metadata: Metadata): number | undefined {
  let ttl: string | undefined;
  let inSeconds: string | undefined;
  for (const key in metadata) {
    const lower = key.toLowerCase();
    if (lower === "ttl") ttl = metadata[key];
    else if (lower === "ttlinseconds") inSeconds = metadata[key];
  }
  const value = ttl ?? inSeconds;
  if (!value) return undefined;
  if (/^[+-]?\d+$/.test(value)) {
    const seconds = Number(value);
    // A bare 0 is a duration, a negative number is none.
    return seconds < 0 ? undefined : Math.min(seconds * 1000, longestMs);
  }
  // A number of seconds is whole.
  if (!/[a-zµμ]$/.test(value)) return undefined;
  try {
    return Math.max(0, Math.min(parseDurationMs(value, 1000), longestMs));
  } catch {
    return undefined; // the original ignores it
  }
}

const booleans: Record<string, boolean> = Object.assign(Object.create(null), {
  ...Object.fromEntries(
    "1 t T true TRUE True".split(" ").map((one) => [one, true]),
  ),
  ...Object.fromEntries(
    "0 f F false FALSE False".split(" ").map((one) => [one, false]),
  ),
});

/** Throws the original's words for a value that is no boolean. */
export function isRawPayload(metadata: Metadata): boolean {
  const value = metadata["rawPayload"];
  if (!value) return false;
  const isRaw = booleans[value];
  if (isRaw === undefined)
    throw new Error(
      `rawPayload value must be a valid boolean: actual is '${value}'`,
    );
  return isRaw;
}
