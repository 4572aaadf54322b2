/** What the app answers to `GET /dapr/subscribe`: a list of subscriptions, or of topics as in Dapr's first releases (docs/protocol/pubsub.md). */
import type { BulkLimits } from "../../contracts/pubsub.ts";
import type { Subscription } from "../../contracts/subscription.ts";
import { decodeFirst } from "../../shared/json/go-json.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { nearestName, short } from "../../shared/nearest-name.ts";
import { setOwn } from "../../shared/set-own.ts";

type Entry = Record<string, unknown>;

const fields = [
  "pubsubname",
  "topic",
  "route",
  "routes",
  "deadLetterTopic",
  "metadata",
  "bulkSubscribe",
];

/** An entry that is wrong is logged and left out; the others count. */
export function readSubscriptions(
  body: Uint8Array,
  log: Logger,
): Subscription[] {
  if (body.length === 0) return [];
  const wrong = (problem: string) =>
    log.error(`error getting topics from app: GET /dapr/subscribe: ${problem}`);
  let answer: unknown;
  try {
    answer = decodeFirst(body);
  } catch (error) {
    wrong(
      `its answer is no JSON (${messageOf(error)}): ${short(Buffer.from(body).toString("utf8", 0, 200))}`,
    );
    return [];
  }
  if (answer === null) return [];
  if (!Array.isArray(answer)) {
    wrong(
      `its answer is no list; let it answer [{"pubsubname":…,"topic":…,"route":…}]`,
    );
    return [];
  }
  return answer.flatMap((entry: unknown, i) => {
    try {
      return [
        readEntry(entry, (problem) =>
          log.warn(`GET /dapr/subscribe: subscription ${i}: ${problem}`),
        ),
      ];
    } catch (error) {
      wrong(`subscription ${i}: ${messageOf(error)}; it is left out`);
      return [];
    }
  });
}

/** Throws if it can't be acted upon. */
function readEntry(
  value: unknown,
  warn: (problem: string) => void,
): Subscription {
  if (typeof value === "string" && value !== "")
    return {
      pubsub: "",
      topic: value,
      rules: [{ match: "", path: value }],
      metadata: {},
      origin: "PROGRAMMATIC",
    };
  if (!isEntry(value))
    throw new Error("it is neither an object nor the name of a topic");
  const entry = foldKeys(value, fields, warn);
  const pubsub = text(entry, "pubsubname");
  const topic = text(entry, "topic");
  if (pubsub === "") throw new Error("it names no pubsubname");
  if (topic === "") throw new Error("it names no topic");
  const rules = readRules(entry, warn);
  if (rules.length === 0)
    throw new Error(
      `topic ${topic} has an empty routes: give it a route, or routes with rules or a default`,
    );
  const deadLetterTopic = text(entry, "deadLetterTopic");
  const bulk = readBulk(entry, warn);
  return {
    pubsub,
    topic,
    rules,
    metadata: readMetadata(entry),
    origin: "PROGRAMMATIC",
    ...(deadLetterTopic ? { deadLetterTopic } : {}),
    ...(bulk ? { bulk } : {}),
  };
}

function readRules(
  entry: Entry,
  warn: (problem: string) => void,
): { match: string; path: string }[] {
  const routes = object(entry, "routes");
  const inside: Entry = routes
    ? foldKeys(routes, ["rules", "default"], warn)
    : {};
  const list = inside["rules"] ?? [];
  if (!Array.isArray(list)) throw new Error("its routes.rules is no list");
  const rules = list.map((rule: unknown, i) => {
    const place = `routes.rules[${i}]`;
    if (!isEntry(rule)) throw new Error(`its ${place} is no object`);
    const one = foldKeys(rule, ["match", "path"], warn);
    return {
      match: text(one, "match", place).trim(),
      path: text(one, "path", place),
    };
  });
  const fallback = text(inside, "default", "routes") || text(entry, "route");
  return fallback ? [...rules, { match: "", path: fallback }] : rules;
}

function readBulk(
  entry: Entry,
  warn: (problem: string) => void,
): BulkLimits | undefined {
  const given = object(entry, "bulkSubscribe");
  if (!given) return undefined;
  const bulk = foldKeys(
    given,
    ["enabled", "maxMessagesCount", "maxAwaitDurationMs"],
    warn,
  );
  const enabled = bulk["enabled"] ?? false;
  if (typeof enabled !== "boolean")
    throw new Error("its bulkSubscribe.enabled is neither true nor false");
  const limits = {
    maxMessages: positive(bulk, "maxMessagesCount", "bulkSubscribe") ?? 100,
    maxAwaitMs: positive(bulk, "maxAwaitDurationMs", "bulkSubscribe") ?? 1000,
  };
  return enabled ? limits : undefined;
}

function readMetadata(entry: Entry): Record<string, string> {
  const given = object(entry, "metadata") ?? {};
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string")
      throw new Error(`its metadata ${JSON.stringify(name)} is no text`);
    setOwn(metadata, name, value);
  }
  return metadata;
}

/** Names compare as in Go, whatever their case. */
function foldKeys(
  entry: Entry,
  known: readonly string[],
  warn: (problem: string) => void,
): Entry {
  const folded: Entry = {};
  for (const [key, value] of Object.entries(entry)) {
    const name = known.find((one) => one.toLowerCase() === key.toLowerCase());
    if (name) folded[name] = value;
    else {
      const near = nearestName(key, known);
      warn(
        `${short(key)} is not a field and has no effect${near ? `; did you mean ${near}?` : ""}`,
      );
    }
  }
  return folded;
}

/** `place` is where in the subscription it is. */
function text(entry: Entry, name: string, place?: string): string {
  const value = entry[name] ?? "";
  if (typeof value === "string") return value;
  throw new Error(`its ${within(place, name)} is no text`);
}

function object(entry: Entry, name: string): Entry | undefined {
  const value = entry[name] ?? undefined;
  if (value === undefined) return undefined;
  if (isEntry(value)) return value;
  throw new Error(`its ${name} is no object`);
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const within = (place: string | undefined, name: string) =>
  place ? `${place}.${name}` : name;

function positive(
  entry: Entry,
  name: string,
  place: string,
): number | undefined {
  const value = entry[name] ?? 0;
  if (!Number.isSafeInteger(value))
    throw new Error(`its ${within(place, name)} is no whole number`);
  return (value as number) > 0 ? (value as number) : undefined;
}
