/**
 * The composition root: opens everything in the documented order (spec api
 * §6.5), closes it in reverse (§6.6), unwinds a failed start.
 */
import { hostname } from "node:os";
import { bindingRoutes } from "../api/http/bindings.ts";
import { routesToCome } from "../api/http/blocks-to-come.ts";
import { createInvoke } from "../api/http/invoke.ts";
import {
  healthRoutes,
  metadataRoutes,
  shutdownRoutes,
  type Operations,
} from "../api/http/operations.ts";
import { secretRoutes } from "../api/http/secrets.ts";
import { stateRoutes } from "../api/http/state.ts";
import { createDescribeUnknown } from "../api/http/unknown-path.ts";
import { createExternal } from "../peers/external-http.ts";
import { createBindings } from "../blocks/bindings/bindings.ts";
import { createInvocation } from "../blocks/invocation/invocation.ts";
import { createSecrets } from "../blocks/secrets/secrets.ts";
import { createStates } from "../blocks/state/state.ts";
import { messageOf } from "../shared/message-of.ts";
import type { HttpEndpoint } from "../contracts/invocation.ts";
import { isTruthy } from "../shared/units.ts";
import { ownNamespace } from "../contracts/name-resolver.ts";
import { watchIdleMemory } from "../shared/memory/idle-memory.ts";
import { watchOwnSockets } from "../net/own-sockets.ts";
import { createPeers } from "../peers/client.ts";
import { daprVersion, version } from "../shared/version.ts";
import { hostAddress } from "./addresses.ts";
import { Attributes } from "./attributes.ts";
import { createCategories } from "./categories.ts";
import { createComponentSet, type ComponentSet } from "./component-set.ts";
import { describe } from "./describe.ts";
import { openApis, openPublicApi } from "./open-apis.ts";
import { openApp } from "./open-app.ts";
import { openPeers } from "./open-peers.ts";
import { openResolvers } from "./open-resolvers.ts";
import { openSource } from "./open-source.ts";
import type { SidecarOptions } from "./options.ts";
import { watchApp } from "./watch-app.ts";

export interface Sidecar {
  /** Resolves when all is up, the app included; rejects when it never will be. */
  ready: Promise<void>;
  /** Stops taking messages for good; the APIs stay up. `appUnhealthy` resolves once the app is, or never was healthy. */
  block(): { stopped: Promise<void>; appUnhealthy: Promise<void> };
  /** Ends everything in order; rejects on what could not be closed. */
  close(): Promise<void>;
}

/** Starts a sidecar. Rejects, with everything closed again, when a component or a port can't be opened. */
export async function start(options: SidecarOptions): Promise<Sidecar> {
  const { flags, env, log } = options;
  const appId = flags["app-id"];
  const started = performance.now();
  const opened = new AsyncDisposableStack();
  const stopping = new AbortController();
  watchOwnSockets();
  opened.defer(watchIdleMemory());
  try {
    log.info(
      `Starting Dapr Runtime -- version ${daprVersion} -- commit ts-${version}`,
    );
    log.info(`Log level set to: ${flags["log-level"]}`);
    log.warn(
      "mTLS is disabled. Skipping certificate request and tls validation",
    );
    if (flags.config.length === 0) log.info("loading default configuration");
    log.info(`${flags.mode} mode configured`);
    log.info(`app id: ${appId}`);
    // From the injector, whose own log few users look at.
    const warnings = env["DAPR_ANNOTATION_WARNINGS"]?.split("\n") ?? [];
    for (const warning of warnings) log.warn(warning);
    const namespace = env["NAMESPACE"] ?? "";

    const state = { outbound: false, ready: false };
    const extended = new Attributes();
    extended.set("daprRuntimeVersion", daprVersion);
    const endpoints = new Map<string, HttpEndpoint>();
    let components: ComponentSet | undefined;
    let features: readonly string[] = [];
    let wasComplete = false;
    /** Components that the first start still waits for; a later change takes no app out of service. */
    const missing = (): string[] => {
      const names = wasComplete ? [] : components!.failing();
      wasComplete = names.length === 0;
      return names.map((name) => `component ${name}`);
    };
    const operations: Operations = {
      appId,
      notReady: () => (state.ready ? missing() : ["runtime"]),
      outboundReady: () => state.outbound && missing().length === 0,
      absent: () => components?.absent() ?? [],
      metadata: () =>
        describe(
          flags,
          components?.loaded() ?? [],
          [...endpoints.keys()],
          extended,
          features,
        ),
      setMetadata: (key, value) => extended.set(key, value),
      shutdown: options.onShutdown,
    };
    // First, so that who probes it gets an answer while the rest is waited for.
    const publicApi = await openPublicApi(options, operations);
    if (publicApi) opened.defer(() => publicApi.close());

    const source = await openSource(options);
    opened.defer(() => source.close());
    const configuration = await source.configuration();
    features = configuration.enabledFeatures;

    const app = await openApp(options);
    if (app) opened.defer(() => app.close());
    const absence = (name: string) => components?.absence(name);
    const bindings = createBindings({
      log,
      app,
      absence,
      probeTimeoutMs: flags["app-binding-options-timeout"] ?? 3000,
    });
    const known = watchApp(app, bindings, flags, log);

    const resolvers = await openResolvers(configuration, options);
    for (const resolver of resolvers) opened.defer(() => resolver.close());
    const peers = createPeers({ maxBodyBytes: flags["max-body-size"] });
    opened.defer(() => peers.close());
    const external = createExternal({
      followRedirects: isTruthy(env["DAPR_FOLLOW_REDIRECTS"]),
    });
    opened.defer(() => external.close());
    const invocation = createInvocation({
      appId,
      namespace: ownNamespace(env),
      app,
      isAppHealthy: known.isHealthy,
      isAppAwaited: known.isAwaited,
      resolvers,
      peers,
      external,
      endpoints,
      accessControl: configuration.accessControl,
      host: { name: hostname(), address: hostAddress(env) },
      hasApiToken: Boolean(env["DAPR_API_TOKEN"]),
      log,
    });

    const secrets = createSecrets({
      scopes: configuration.secretScopes,
      absence,
    });
    const states = createStates({ appId, namespace, log, absence });

    const opening = createComponentSet({
      appId,
      env,
      log,
      categories: createCategories({ secrets, states, bindings }),
      secrets,
      isPatient: source.follow !== undefined,
    });
    components = opening;
    opened.defer(() => opening.close());
    log.info("Loading components…");
    const written = await source.components().catch((error: unknown) => {
      throw new Error(`failed to load components: ${messageOf(error)}`, {
        cause: error,
      });
    });
    await opening.load(written, options.signal);
    secrets.tellIdleScopes(log);
    const putEndpoints = (now: ReadonlyMap<string, HttpEndpoint>) => {
      for (const [name, endpoint] of endpoints)
        if (now.get(name) !== endpoint) {
          endpoints.delete(name);
          void external.forget(endpoint);
        }
      for (const [name, endpoint] of now) endpoints.set(name, endpoint);
    };
    putEndpoints(await source.httpEndpoints(secrets));
    log.info("All outstanding components processed");

    const routes = [
      ...bindingRoutes(bindings),
      ...stateRoutes(states),
      ...secretRoutes(secrets),
      ...healthRoutes(operations),
      ...metadataRoutes(operations),
      ...shutdownRoutes(operations),
      ...routesToCome(appId),
    ];
    const apis = await openApis(
      options,
      configuration,
      createInvoke(invocation, createDescribeUnknown(routes)),
      routes,
    );
    opened.defer(() => apis.close());
    const peerServer = await openPeers(
      options,
      ownNamespace(env),
      invocation,
      resolvers,
    );
    opened.defer(() => peerServer.close());
    state.outbound = true;
    const failing = opening.failing();
    if (failing.length > 0)
      log.warn(
        `the sidecar works, but is not ready before these components open: ${failing.join(", ")}`,
      );
    source.follow?.({
      components: (now) => opening.replace(now),
      httpEndpoints: putEndpoints,
      configuration: options.onRestart,
    });

    // Inputs end first: nothing new reaches the app while the rest goes down.
    opened.defer(() => bindings.stopReading());
    // And nothing new is opened.
    opened.defer(() => source.unfollow?.());
    opened.defer(() => stopping.abort());
    // Other sidecars ask the next one of this app from now on.
    opened.defer(() => peerServer.leave());

    const ready = (async () => {
      await known.meet(stopping.signal);
      state.ready = true;
      log.info(
        `dapr initialized. Status: Running. Init Elapsed ${Math.round(performance.now() - started)}ms`,
      );
    })();
    // Ending while the app is still awaited is no failure.
    ready.catch(() => {});

    const all = opened.move();
    return {
      ready,
      block: known.block,
      async close() {
        log.info("Dapr is shutting down");
        await all.disposeAsync();
        log.info("Dapr runtime stopped");
      },
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
