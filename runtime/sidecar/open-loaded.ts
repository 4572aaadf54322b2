/**
 * Opens one configured component: first fills in its secrets and placeholders
 * (docs/protocol/resources.md), then opens the component of its type.
 */
import { randomUUID } from "node:crypto";
import { initFailure } from "../components/check.ts";
import { openComponent, type Opened } from "../components/open.ts";
import type { BuiltIn } from "../components/index.ts";
import { typesFor } from "../components/known.ts";
import type { Closable } from "../contracts/component.ts";
import { messageOf } from "../shared/message-of.ts";
import type { Explain } from "../contracts/hide-secrets.ts";
import type { Logger } from "../shared/log.ts";
import { MetadataError } from "../contracts/metadata.ts";
import { givenNamespace } from "../shared/namespace.ts";
import { where } from "../shared/position.ts";
import { label, type LoadedComponent } from "../resources/kinds/component.ts";
import {
  fillSecrets,
  unresolved,
  type SecretSource,
} from "../resources/secret-refs.ts";

/** What to do with a category of components (`state`, `bindings` …). */
export interface Category<C extends Closable = Closable> {
  known: BuiltIn<C>[];
  /**
   * Puts it into use, replacing one of the same name. Returns what it can do, as
   * `/v1.0/metadata` lists it. Throws if its metadata is wrong.
   */
  add(component: C, resource: LoadedComponent, explain: Explain): string[];
  /** The component with its policies around. */
  around(component: C, resource: LoadedComponent): C;
  /** Takes it out of use, unless another one has replaced it; resolves once it reads no more. */
  remove(component: C, resource: LoadedComponent): Promise<void>;
}

export interface LoadOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** The categories, by the part of a type before its first dot. */
  categories: Record<string, Category>;
  secrets: SecretSource;
  tally: ComponentTally | undefined;
}

/** Counts what was opened, and what was not. */
export interface ComponentTally {
  componentLoaded(type: string): void;
  componentFailed(
    type: string,
    name: string,
    reason: "creation" | "init",
  ): void;
}

/** The types among which the component's is looked for. */
export const typesAmong = (
  { type }: LoadedComponent,
  categories: Record<string, Category>,
): BuiltIn<Closable>[] =>
  typesFor(
    type,
    Object.fromEntries(
      Object.entries(categories).map(([name, { known }]) => [name, known]),
    ),
  );

/** Why a component could not be opened. */
export class LoadError extends Error {
  override name = "LoadError";
  /** True if the resource itself has to be changed, as far as one can tell. */
  readonly isMistake: boolean;

  constructor(message: string, isMistake: boolean, cause: unknown) {
    super(message, { cause });
    this.isMistake = isMistake;
  }
}

export interface Loaded extends Opened<Closable> {
  resource: LoadedComponent;
  category: Category;
  capabilities: string[];
}

/** Opens it and puts it into use. Rejects with a {@link LoadError}. */
export async function openLoaded(
  resource: LoadedComponent,
  options: LoadOptions,
  /** Called when it is open: whether it is still wanted. */
  isWanted: () => boolean = () => true,
): Promise<Loaded | undefined> {
  const { log, categories, secrets } = options;
  const lacks = unresolved(resource.secretRefs);
  if (lacks)
    throw new LoadError(
      `process component ${resource.name} error: ${lacks}`,
      false,
      undefined,
    );
  const gaps = await fillSecrets(resource.secretRefs, {
    owner: `component ${label(resource)}`,
    store: resource.secretStore,
    namespace: resource.namespace,
    secrets,
    log,
  });
  const found = categories[resource.type.split(".")[0]!];
  const known = typesAmong(resource, categories);
  let opened: Opened<Closable> | undefined;
  try {
    expand(resource, options);
    opened = await openComponent(resource, known, options);
    if (isWanted()) {
      const category = found!;
      const component = category.around(opened.component, resource);
      opened = { ...opened, component };
      const capabilities = add(opened, resource, category);
      options.tally?.componentLoaded(resource.type);
      return { ...opened, resource, category, capabilities };
    }
  } catch (error) {
    await opened?.component.close();
    options.tally?.componentFailed(
      resource.type,
      resource.name,
      known.some(({ type }) => type === resource.type) ? "init" : "creation",
    );
    const because =
      gaps.length > 0 ? `; a secret is missing: ${gaps.join("; ")}` : "";
    throw new LoadError(
      `process component ${resource.name} error: ${messageOf(error)}${because}`,
      gaps.length === 0 && isMistake(error),
      error,
    );
  }
  await opened.component.close();
  return undefined;
}

/** If a block refuses the component, that is a failed start like any other. */
function add(
  { component, explain }: Opened<Closable>,
  resource: LoadedComponent,
  to: Category,
) {
  try {
    return to.add(component, resource, explain);
  } catch (error) {
    throw initFailure(resource, error, explain);
  }
}

/** Its metadata is wrong, or its type unknown. */
const isMistake = (error: unknown) =>
  !(error as Error).cause || (error as Error).cause instanceof MetadataError;

/**
 * Replaces `{uuid}`, `{podName}`, `{namespace}` (= namespace.app) and `{appID}`, also
 * in secrets. Throws if the environment has no name of the pod.
 */
function expand({ metadata }: LoadedComponent, { env, appId }: LoadOptions) {
  for (const item of metadata) {
    if (!item.value.includes("{")) continue;
    if (item.value.includes("{podName}") && !env["POD_NAME"])
      throw new Error(
        `failed to parse metadata: property {podName} of "${item.name}" cannot be used: environment variable POD_NAME is not set (${where(item.at)})`,
      );
    const namespace = givenNamespace(env);
    if (item.value.includes("{namespace}")) item.isNamespaced = true;
    item.value = item.value
      .replaceAll("{uuid}", () => randomUUID())
      .replaceAll("{podName}", () => env["POD_NAME"] ?? "")
      .replaceAll("{namespace}", () =>
        namespace ? `${namespace}.${appId}` : appId,
      )
      .replaceAll("{appID}", () => appId);
  }
}
