/**
 * Opens the configured components in the order their secrets need (spec
 * components §1.2, §6): secret stores first, each once the store it asks itself
 * is open, then all others in file order.
 */
import { randomUUID } from "node:crypto";
import { initFailure, openComponent, type Opened } from "./components/open.ts";
import type { BuiltIn } from "./components/index.ts";
import type { Closable } from "./contract.ts";
import { messageOf } from "./errors.ts";
import type { Explain } from "./hide-secrets.ts";
import type { Logger } from "./log.ts";
import { where } from "./metadata.ts";
import { label, type LoadedComponent } from "./resources/components.ts";
import { fillSecrets, type SecretSource } from "./secret-refs.ts";

/** What to do with a category of components (`state`, `bindings` …). */
export interface Category<C extends Closable = Closable> {
  known: BuiltIn<C>[];
  add(component: C, resource: LoadedComponent, explain: Explain): void;
}

export interface LoadOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** By the part of a type before its first dot. */
  categories: Record<string, Category>;
  secrets: SecretSource;
  /** Called for each that is open, in order. */
  onOpened(
    component: Closable,
    resource: LoadedComponent,
    explain: Explain,
  ): void;
}

const isSecretStore = ({ type }: LoadedComponent) =>
  type.startsWith("secretstores.");

/** Rejects when one can't be opened, unless its `ignoreErrors` is set. One whose secret store is not there is parked. */
export async function openComponents(
  resources: readonly LoadedComponent[],
  options: LoadOptions,
): Promise<void> {
  let waiting = resources.filter(isSecretStore);
  for (let open = waiting; open.length > 0;) {
    open = waiting.filter((resource) => hasItsSecrets(resource, options));
    waiting = waiting.filter((resource) => !open.includes(resource));
    for (const resource of open) await openOne(resource, options);
  }
  for (const resource of resources) {
    if (waiting.includes(resource)) park(resource, options);
    else if (isSecretStore(resource)) continue;
    else if (hasItsSecrets(resource, options)) await openOne(resource, options);
    else park(resource, options);
  }
}

const hasItsSecrets = (
  { secretRefs, secretStore }: LoadedComponent,
  { secrets }: LoadOptions,
) => secretRefs.length === 0 || !secretStore || secrets.has(secretStore);

const park = (resource: LoadedComponent, { log }: LoadOptions) =>
  log.warn(
    `component ${label(resource)} waits for secret store "${resource.secretStore}", which is not loaded`,
  );

async function openOne(resource: LoadedComponent, options: LoadOptions) {
  const { log, categories, secrets } = options;
  const gaps = await fillSecrets(resource.secretRefs, {
    owner: `component ${label(resource)}`,
    store: resource.secretStore,
    namespace: resource.namespace,
    secrets,
    log,
  });
  const category = categories[resource.type.split(".")[0]!];
  const known =
    category?.known ?? Object.values(categories).flatMap(({ known }) => known);
  try {
    expand(resource, options);
    const opened = await openComponent(resource, known, options);
    options.onOpened(opened.component, resource, opened.explain);
    add(opened, resource, category!);
    log.info(`Component loaded: ${label(resource)}`);
  } catch (error) {
    const because =
      gaps.length > 0 ? `; a secret is missing: ${gaps.join("; ")}` : "";
    const message = `process component ${resource.name} error: ${messageOf(error)}${because}`;
    if (!resource.ignoreErrors)
      throw new Error(`failed to load components: ${message}`, {
        cause: error,
      });
    log.error(`Ignoring error processing component: ${message}`);
  }
}

/** What a block does not take is a failure of the component's start like any other. */
function add(
  { component, explain }: Opened<Closable>,
  resource: LoadedComponent,
  to: Category,
) {
  try {
    to.add(component, resource, explain);
  } catch (error) {
    throw initFailure(resource, error, explain);
  }
}

/**
 * `{uuid}`, `{podName}`, `{namespace}` (= namespace.app) and `{appID}`, in what
 * came from a secret too. Throws when the environment names no pod.
 */
function expand({ metadata }: LoadedComponent, { env, appId }: LoadOptions) {
  for (const item of metadata) {
    if (!item.value.includes("{")) continue;
    if (item.value.includes("{podName}") && !env["POD_NAME"])
      throw new Error(
        `failed to parse metadata: property {podName} of "${item.name}" cannot be used: environment variable POD_NAME is not set (${where(item.at)})`,
      );
    const namespace = env["NAMESPACE"];
    item.value = item.value
      .replaceAll("{uuid}", () => randomUUID())
      .replaceAll("{podName}", () => env["POD_NAME"] ?? "")
      .replaceAll("{namespace}", () =>
        namespace ? `${namespace}.${appId}` : appId,
      )
      .replaceAll("{appID}", () => appId);
  }
}
