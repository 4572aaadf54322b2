/**
 * Opens one configured component: finds its type, reads its metadata and limits
 * its time. Any failure becomes the documented error
 * (docs/protocol/resources.md) with the line to look at.
 */
import type {
  Closable,
  ComponentDefinition,
  ComponentResource,
} from "../contracts/component.ts";
import {
  explainer,
  hideSecrets,
  hidingLogger,
  type Explain,
} from "../contracts/hide-secrets.ts";
import type { Logger } from "../shared/log.ts";
import { MetadataError, parseMetadata } from "../contracts/metadata.ts";
import { where } from "../shared/position.ts";
import { nearestName, short } from "../shared/nearest-name.ts";
import { daprTypes } from "./dapr-types.ts";
import type { BuiltIn } from "./index.ts";
import { readByBlock, withoutEffect } from "./without-effect.ts";
import { tellValues } from "./tell-values.ts";
import { startTimer } from "../shared/timers.ts";

export class ComponentError extends Error {
  override name = "ComponentError";
}

/** What the categories are called in `couldn't find …`. */
const categories: Record<string, string> = {
  nameresolution: "name resolution",
  state: "state store",
  pubsub: "message bus",
  secretstores: "secret store",
  configuration: "configuration store",
  lock: "lock store",
  crypto: "crypto provider",
  conversation: "conversation",
  middleware: "HTTP middleware",
};

/** How many unknown properties of one component are named. */
const mostTold = 20;

export interface OpenOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
}

/** An open component. Whoever reports one of its errors passes it through `explain`, which hides secrets. */
export interface Opened<C extends Closable> {
  component: C;
  explain: Explain;
}

/** Opens a component of one category's list. Rejects with {@link ComponentError}. */
export async function openComponent<C extends Closable>(
  resource: ComponentResource,
  known: BuiltIn<C>[],
  options: OpenOptions,
): Promise<Opened<C>> {
  const definition = await find(resource, known);
  tellUnknown(resource, definition, options.log);
  const hide = hideSecrets(resource.metadata, definition.metadata);
  const explain = explainer(hide);
  let meta;
  try {
    meta = parseMetadata(definition.metadata, resource.metadata, resource.at);
  } catch (error) {
    throw initFailure(resource, error, explain, definition.errorPrefix);
  }
  tellValues(resource, definition, name(resource), options.log);
  const context = {
    name: resource.name,
    appId: options.appId,
    meta,
    items: resource.metadata,
    env: options.env,
    log: hidingLogger(options.log.scope("dapr.contrib"), hide),
    directions: directionsOf(resource),
  };
  // An error before its first promise counts as well.
  const opening = (async () => definition.open(context))();
  return { component: await withTimeout(opening, resource, explain), explain };
}

/** Warns about properties that the type does not have, or that this version does not act upon. */
function tellUnknown(
  resource: ComponentResource,
  { type, metadata }: ComponentDefinition,
  log: Logger,
) {
  const acted = [
    ...Object.entries(metadata).flatMap(([key, { aliases = [] }]) => [
      key,
      ...aliases,
    ]),
    ...readByBlock(resource.type),
  ];
  const idle = withoutEffect(type).filter((key) => !acted.includes(key));
  const has = (list: readonly string[], key: string) =>
    list.some((one) => one.toLowerCase() === key.toLowerCase());
  const unknown = resource.metadata.filter(
    ({ name }) => name !== "" && !has(acted, name),
  );
  for (const { name: key, at, nameAt = at } of unknown.slice(0, mostTold)) {
    const near = nearestName(key, [...acted, ...idle]);
    const problem = has(idle, key)
      ? "is not acted upon by this version"
      : `is no property of this type and has no effect${near ? `; did you mean '${near}'?` : ""}`;
    const place = where(nameAt);
    log.warn(
      `component ${name(resource)}: metadata '${short(key)}' ${problem}${place ? ` (${place})` : ""}`,
    );
  }
  if (unknown.length > mostTold)
    log.warn(
      `component ${name(resource)}: and ${unknown.length - mostTold} more unknown properties`,
    );
}

/** `[INIT_COMPONENT_FAILURE]: initialization error occurred for n (type/v): cause (file:line:column)`. */
export function initFailure(
  resource: ComponentResource,
  error: unknown,
  explain: Explain,
  prefix = "",
): ComponentError {
  const at = where(placeOf(error, resource) ?? resource.at);
  return new ComponentError(
    `[INIT_COMPONENT_FAILURE]: initialization error occurred for ${name(resource)}: ${prefix}${explain(error)}${at ? ` (${at})` : ""}`,
    { cause: error },
  );
}

function placeOf(error: unknown, { metadata }: ComponentResource) {
  if (!(error instanceof MetadataError)) return undefined;
  const property = error.property?.toLowerCase();
  return (
    error.at ?? metadata.find(({ name }) => name.toLowerCase() === property)?.at
  );
}

const name = (resource: ComponentResource) =>
  `${resource.name} (${resource.version ? `${resource.type}/${resource.version}` : resource.type})`;

async function find<C extends Closable>(
  resource: ComponentResource,
  known: BuiltIn<C>[],
): Promise<ComponentDefinition<C>> {
  const version = resource.version.toLowerCase();
  const found = known.find(
    ({ type, versions }) =>
      type === resource.type &&
      (versions.includes(version) ||
        version === "" ||
        (version === "v0" && versions.length === 1)),
  );
  if (found)
    return found.load(
      found.versions.includes(version) ? version : found.versions[0]!,
    );
  const category = resource.type.split(".")[0]!;
  const cause =
    category === "bindings"
      ? `couldn't find binding ${name(resource)}`
      : Object.hasOwn(categories, category)
        ? `couldn't find ${categories[category]} ${resource.type}${resource.version ? `/${resource.version}` : ""}`
        : `incorrect type ${resource.type}`;
  throw new ComponentError(
    `[CREATE_COMPONENT_FAILURE]: initialization error occurred for ${name(resource)}: ${cause}; ${hintFor(resource, known)} (${where(resource.at)})`,
  );
}

/** What to name in an error: the versions of the type, the type that was probably meant, or all types. */
function hintFor({ type }: ComponentResource, known: BuiltIn<Closable>[]) {
  const same = known.find((one) => one.type === type);
  if (same) return `versions of ${type} here: ${same.versions.join(", ")}`;
  const types = known.map((one) => one.type);
  const near = nearestName(type, types) ?? nearestName(type, [...daprTypes]);
  if (!near) return `known types: ${types.join(", ")}`;
  return types.includes(near)
    ? `did you mean ${near}?`
    : `did you mean ${near}? Dapr has it, this version of the sidecar has not`;
}

async function withTimeout<C extends Closable>(
  opening: Promise<C>,
  resource: ComponentResource,
  explain: Explain,
): Promise<C> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = startTimer(
      () =>
        reject(
          new Error(
            `init timeout for component ${resource.name} exceeded after ${resource.initTimeoutMs / 1000}s`,
          ),
        ),
      resource.initTimeoutMs,
    );
  });
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    // A component that opens after its time is closed again.
    opening.then((component) => component.close()).catch(() => {});
    throw initFailure(resource, error, explain);
  } finally {
    clearTimeout(timer);
  }
}

/** `direction` (comma list, names in any case); absent = both. */
export function directionsOf(resource: ComponentResource): {
  input: boolean;
  output: boolean;
  explicit: boolean;
} {
  const item = resource.metadata.find(
    ({ name }) => name.toLowerCase() === "direction",
  );
  if (!item?.value) return { input: true, output: true, explicit: false };
  const listed = item.value.split(",").map((part) => part.trim().toLowerCase());
  return {
    input: listed.includes("input"),
    output: listed.includes("output"),
    explicit: true,
  };
}
