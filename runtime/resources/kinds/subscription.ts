/** `kind: Subscription` resources (docs/protocol/pubsub.md): which topics the app gets, and at which path. */
import type { BulkLimits } from "../../contracts/pubsub.ts";
import type { Rule, Subscription } from "../../contracts/subscription.ts";
import type { Logger } from "../../shared/log.ts";
import { isOwn } from "../../shared/namespace.ts";
import { where, type Position } from "../../shared/position.ts";
import { subscriptionFields } from "../fields.ts";
import { isKind } from "../other-kinds.ts";
import { tellFields } from "../unknown-fields.ts";
import {
  boolAt,
  listAt,
  mapAt,
  member,
  textOf,
  textsOf,
  YamlError,
  type Value,
} from "../values/yaml.ts";

export interface SubscriptionOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** Told of each document that is no subscription though it should be one, with its place. */
  onMalformed?(problem: string): void;
}

/**
 * The subscriptions among the documents that concern this app, in order. Throws on two of one name; a malformed one is
 * a warning. Whoever loads the components reports documents that are no YAML.
 */
export function selectSubscriptions(
  documents: Iterable<Value | YamlError>,
  options: SubscriptionOptions,
): Subscription[] {
  const { appId, env, log } = options;
  const found: Subscription[] = [];
  const places = new Map<string, Position>();
  for (const document of documents) {
    if (document instanceof YamlError || !isKind(document, "Subscription"))
      continue;
    const metadata = member(document, "metadata");
    const name = textOf(member(metadata, "name"));
    if (!isOwn(textOf(member(metadata, "namespace")), env)) continue;
    const owner = `subscription "${name}"`;
    const version = textOf(member(document, "apiVersion"));
    tellFields(document, subscriptionFields[version]!, owner, log);
    let subscription: Subscription;
    let scopes: string[];
    try {
      if (name === "")
        throw new Mistake("it has no metadata.name", metadata?.at);
      // If a text were read as nothing, all apps could get what is meant for one.
      scopes = textsOf(listAt(member(document, "scopes"), "scopes"));
      subscription = readSubscription(document, version);
    } catch (error) {
      // Others say in their text where they are.
      const place =
        error instanceof Mistake ? ` (${where(error.at ?? document.at)})` : "";
      const problem = `${owner}: ${(error as Error).message}${place}`;
      options.onMalformed?.(problem);
      log.warn(`A document was not loaded: ${problem}`);
      continue;
    }
    if (scopes.length > 0 && !scopes.includes(appId)) continue;
    const twin = places.get(name);
    if (twin)
      throw new Error(
        `duplicate definition of Subscription name ${name} (${where(document.at)}, ${where(twin)}): rename or scope one of them`,
      );
    places.set(name, document.at);
    found.push(subscription);
  }
  return found;
}

class Mistake extends Error {
  readonly at: Position | undefined;

  constructor(message: string, at: Position | undefined) {
    super(message);
    this.at = at;
  }
}

function readSubscription(document: Value, version: string): Subscription {
  const spec = mapAt(member(document, "spec"), "spec");
  const pubsub = needed(spec, "pubsubname", document);
  const topic = needed(spec, "topic", document);
  const deadLetterTopic = textOf(member(spec, "deadLetterTopic"));
  const bulk = readBulk(spec);
  return {
    pubsub,
    topic,
    rules: version.endsWith("/v1alpha1")
      ? [{ match: "", path: needed(spec, "route", document) }]
      : readRules(spec, document),
    metadata: readMetadata(spec),
    origin: "DECLARATIVE",
    at: document.at,
    ...(deadLetterTopic ? { deadLetterTopic } : {}),
    ...(bulk ? { bulk } : {}),
  };
}

function needed(spec: Value | undefined, name: string, document: Value) {
  const text = textOf(member(spec, name));
  if (text !== "") return text;
  const isNewer = name === "route" && member(spec, "routes");
  throw new Mistake(
    `it has no spec.${name}${isNewer ? ": spec.routes belongs to apiVersion dapr.io/v2alpha1" : ""}`,
    spec?.at ?? document.at,
  );
}

function readRules(spec: Value | undefined, document: Value): Rule[] {
  const routes = mapAt(member(spec, "routes"), "spec.routes");
  const list = listAt(member(routes, "rules"), "spec.routes.rules");
  const rules = (list?.kind === "list" ? list.items : []).map(
    (rule, i): Rule => {
      const path = textOf(member(rule, "path"));
      if (path === "")
        throw new Mistake(`spec.routes.rules[${i}] has no path`, rule.at);
      const match = member(rule, "match");
      return { match: textOf(match).trim(), path, at: match?.at ?? rule.at };
    },
  );
  const fallback = textOf(member(routes, "default"));
  if (fallback !== "") rules.push({ match: "", path: fallback });
  if (rules.length > 0) return rules;
  const isOlder = member(spec, "route");
  throw new Mistake(
    `it has no spec.routes with rules or a default${isOlder ? ": spec.route belongs to apiVersion dapr.io/v1alpha1" : ""}`,
    routes?.at ?? spec?.at ?? document.at,
  );
}

function readMetadata(spec: Value | undefined): Record<string, string> {
  const given = mapAt(member(spec, "metadata"), "spec.metadata");
  if (given?.kind !== "map") return {};
  return Object.fromEntries(
    [...given.entries].map(([folded, value]) => [
      value.key?.name ?? folded,
      textOf(value),
    ]),
  );
}

function readBulk(spec: Value | undefined): BulkLimits | undefined {
  const path = "spec.bulkSubscribe";
  const bulk = mapAt(member(spec, "bulkSubscribe"), path);
  if (!boolAt(member(bulk, "enabled"), `${path}.enabled`)) return undefined;
  return {
    maxMessages: countAt(bulk, "maxMessagesCount", path) ?? 100,
    maxAwaitMs: countAt(bulk, "maxAwaitDurationMs", path) ?? 1000,
  };
}

/** Undefined where it is absent or not above 0: then the default counts, as in the original. */
function countAt(
  map: Value | undefined,
  name: string,
  path: string,
): number | undefined {
  const value = member(map, name);
  const text = textOf(value);
  if (text === "") return undefined;
  if (!/^-?\d{1,9}$/.test(text))
    throw new Mistake(
      `${path}.${name} must be a whole number of at most 9 digits`,
      value?.at,
    );
  return Number(text) > 0 ? Number(text) : undefined;
}
