/**
 * Checks one configured component: finds its type and reads its metadata. Any
 * failure becomes the documented error (docs/protocol/resources.md) with the
 * line to look at. Nothing is opened here.
 */
import type {
  Closable,
  ComponentDefinition,
  ComponentResource,
  OpenContext,
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
import { ComponentError, findType, labelOf } from "./find-type.ts";
import type { BuiltIn } from "./index.ts";
import { readByBlock, withoutEffect } from "./without-effect.ts";
import { tellValues } from "./tell-values.ts";

/** How many unknown properties of one component are named. */
const mostTold = 20;

export interface OpenOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
}

/** A component that can be opened, as far as its type's table tells. */
export interface Ready<C extends Closable> {
  definition: ComponentDefinition<C>;
  context: OpenContext;
  explain: Explain;
}

/** Finds the type of a component in its category's list and reads its metadata. Rejects with {@link ComponentError}. */
export async function readComponent<C extends Closable>(
  resource: ComponentResource,
  known: BuiltIn<C>[],
  options: OpenOptions,
): Promise<Ready<C>> {
  const definition = await findType(resource, known);
  tellUnknown(resource, definition, options.log);
  return read(resource, definition, options);
}

/**
 * Rejects with {@link ComponentError} if the component could not be opened, as far as one can tell without reaching
 * out. `unread`: names of properties whose values only a secret store has.
 */
export async function checkComponent(
  resource: ComponentResource,
  known: BuiltIn<Closable>[],
  options: OpenOptions,
  unread: readonly string[],
): Promise<void> {
  const definition = await findType(resource, known);
  tellUnknown(resource, definition, options.log);
  const folded = unread.map((key) => key.toLowerCase());
  const isRead = (key: string) => !folded.includes(key.toLowerCase());
  const table = Object.entries(definition.metadata).filter(
    ([key, { aliases = [] }]) => [key, ...aliases].every(isRead),
  );
  const metadata = resource.metadata.filter(({ name }) => isRead(name));
  const { context, explain } = read(
    { ...resource, metadata },
    { ...definition, metadata: Object.fromEntries(table) },
    options,
  );
  // It may be about the values that are not here.
  if (unread.length > 0) return;
  try {
    definition.check?.(context);
  } catch (error) {
    throw initFailure(resource, error, explain);
  }
}

function read<C extends Closable>(
  resource: ComponentResource,
  definition: ComponentDefinition<C>,
  options: OpenOptions,
): Ready<C> {
  const hide = hideSecrets(resource.metadata, definition.metadata);
  const explain = explainer(hide);
  let meta;
  try {
    meta = parseMetadata(definition.metadata, resource.metadata, resource.at);
  } catch (error) {
    throw initFailure(resource, error, explain, definition.errorPrefix);
  }
  tellValues(resource, definition, labelOf(resource), options.log);
  const context = {
    name: resource.name,
    appId: options.appId,
    meta,
    items: resource.metadata,
    env: options.env,
    log: hidingLogger(options.log.scope("dapr.contrib"), hide),
    directions: directionsOf(resource),
  };
  return { definition, context, explain };
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
      `component ${labelOf(resource)}: metadata '${short(key)}' ${problem}${place ? ` (${place})` : ""}`,
    );
  }
  if (unknown.length > mostTold)
    log.warn(
      `component ${labelOf(resource)}: and ${unknown.length - mostTold} more unknown properties`,
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
    `[INIT_COMPONENT_FAILURE]: initialization error occurred for ${labelOf(resource)}: ${prefix}${explain(error)}${at ? ` (${at})` : ""}`,
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
