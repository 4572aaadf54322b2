/**
 * Opens the configured components in the order their secrets need (spec
 * components §1.2, §6): secret stores first, each once the store it asks itself
 * is open, then all others in file order.
 */
import { openComponent } from "./components/open.ts";
import type { BuiltIn } from "./components/index.ts";
import type { Closable } from "./contract.ts";
import { messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import { where } from "./metadata.ts";
import { label, type LoadedComponent } from "./resources/components.ts";
import type { Secret } from "./secret-store.ts";

/** What to do with a category of components (`state`, `bindings` …). */
export interface Category<C extends Closable = Closable> {
  known: BuiltIn<C>[];
  add(component: C, resource: LoadedComponent): void;
}

/** Where a component's secrets come from: the secrets block. */
export interface SecretSource {
  has(store: string): boolean;
  read(store: string, name: string): Promise<Secret>;
}

export interface LoadOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** By the part of a type before its first dot. */
  categories: Record<string, Category>;
  secrets: SecretSource;
  /** Called for each that is open, in order. */
  onOpened(component: Closable, resource: LoadedComponent): void;
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
  const { log, categories } = options;
  await fillSecrets(resource, options);
  const category = categories[resource.type.split(".")[0]!];
  const known =
    category?.known ?? Object.values(categories).flatMap(({ known }) => known);
  try {
    const component = await openComponent(resource, known, options);
    options.onOpened(component, resource);
    category!.add(component, resource);
    log.info(`Component loaded: ${label(resource)}`);
  } catch (error) {
    const message = `process component ${resource.name} error: ${messageOf(error)}`;
    if (!resource.ignoreErrors)
      throw new Error(`failed to load components: ${message}`, {
        cause: error,
      });
    log.error(`Ignoring error processing component: ${message}`);
  }
}

/** A secret that can't be had leaves its item as written, with a warning, as the original does. */
async function fillSecrets(
  resource: LoadedComponent,
  { log, secrets }: LoadOptions,
) {
  for (const { item, name, key } of resource.secretRefs) {
    const told = `component ${label(resource)}: metadata "${item.name}" (${where(item.at)})`;
    if (!resource.secretStore) {
      log.warn(
        `${told} refers to secret "${name}" but auth.secretStore names no store; it stays empty`,
      );
      continue;
    }
    try {
      const secret = await secrets.read(resource.secretStore, name);
      if (secret[key]) item.value = secret[key];
      else
        log.warn(
          `${told}: secret "${name}" of store "${resource.secretStore}" has no key "${key}"`,
        );
    } catch (error) {
      log.error(
        `${told}: secret "${name}" could not be read from store "${resource.secretStore}": ${messageOf(error)}`,
      );
    }
  }
}
