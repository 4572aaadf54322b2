/** From resources to open components and known endpoints, at the start and with each change. */
import type { External, HttpEndpoint } from "../contracts/invocation.ts";
import type { ResourceChanges, ResourceSource } from "../resources/source.ts";
import { messageOf } from "../shared/message-of.ts";
import { createComponentSet, type ComponentSet } from "./component-set.ts";
import type { Kinds } from "./kinds.ts";
import type { ComponentTally } from "./open-loaded.ts";
import type { Progress } from "./operations.ts";
import type { SidecarOptions } from "./options.ts";

/** Components as the source has them, none open yet. Closed with `opened`. */
export function createComponents(
  { flags, env, log }: SidecarOptions,
  source: ResourceSource,
  { byPrefix, secrets }: Kinds,
  tally: ComponentTally | undefined,
  opened: AsyncDisposableStack,
): ComponentSet {
  const components = createComponentSet({
    appId: flags["app-id"],
    env,
    log,
    categories: byPrefix,
    secrets,
    tally,
    isPatient: source.isPatient,
    onOpened: () => source.opened?.(),
  });
  opened.defer(() => components.close());
  return components;
}

/** Opens the components, then reads the endpoints, whose secrets they hold. Rejects on what a sidecar should not start with. */
export async function loadResources(
  { log, signal }: SidecarOptions,
  source: ResourceSource,
  components: ComponentSet,
  { secrets, subscriptions }: Kinds,
  put: Pick<ResourceChanges, "resiliencies" | "httpEndpoints">,
): Promise<void> {
  log.info("Loading components…");
  const written = await source.components().catch((error: unknown) => {
    throw new Error(`failed to load components: ${messageOf(error)}`, {
      cause: error,
    });
  });
  put.resiliencies(await source.resiliencies());
  await components.load(written, signal);
  secrets.tellIdleScopes(log);
  put.httpEndpoints(await source.httpEndpoints(secrets));
  log.info("All outstanding components processed");
  log.info("Loading Declarative Subscriptions…");
  await subscriptions.declare(await source.subscriptions());
}

/** Makes these the known endpoints; calls under way to others end well. */
export const endpointKeeper =
  ({ endpoints }: Progress, external: External) =>
  (now: ReadonlyMap<string, HttpEndpoint>): void => {
    for (const [name, endpoint] of endpoints)
      if (now.get(name) !== endpoint) {
        endpoints.delete(name);
        void external.forget(endpoint);
      }
    for (const [name, endpoint] of now) endpoints.set(name, endpoint);
  };
