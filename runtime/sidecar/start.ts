/**
 * Puts a sidecar together: opens its parts in the documented order, each stage
 * a file beside this one, and closes them in reverse. A failed start is unwound.
 */
import { routesToCome } from "../api/http/blocks-to-come.ts";
import { createInvoke } from "../api/http/invoke.ts";
import {
  healthRoutes,
  metadataRoutes,
  shutdownRoutes,
} from "../api/http/operations.ts";
import { createDescribeUnknown } from "../api/http/unknown-path.ts";
import { watchRoutes } from "../api/http/watch.ts";
import { watchOwnSockets } from "../net/own-sockets.ts";
import { ownNamespace } from "../shared/namespace.ts";
import { watchIdleMemory } from "../shared/memory/idle-memory.ts";
import { announce } from "./announce.ts";
import { allInputs, createKinds } from "./kinds.ts";
import { loadMethods } from "./load-methods.ts";
import {
  createComponents,
  endpointKeeper,
  loadResources,
} from "./load-resources.ts";
import { openApis, openPublicApi, type Apis } from "./open-apis.ts";
import { openApp } from "./open-app.ts";
import { createSidecarMetrics, openMetricsPort } from "./open-metrics.ts";
import { openInvocation } from "./open-invocation.ts";
import { openPeers } from "./open-peers.ts";
import { openSource } from "./open-source.ts";
import { openWatch } from "./open-watch.ts";
import { createOperations, noProgress } from "./operations.ts";
import type { SidecarOptions } from "./options.ts";
import { createPolicies } from "./policies/policies.ts";
import { createResiliencies } from "./policies/resiliencies.ts";
import { watchApp } from "./watch-app.ts";

export interface Sidecar {
  /** Where the API listens; 0 for a socket in the file system. */
  ports: Apis["ports"];
  /** Resolves when all is up, the app included; rejects if it never will be. */
  ready: Promise<void>;
  /** Resolves once all that the app wants is read, or could not be at first. */
  reading: Promise<void>;
  /** Stops taking messages for good; the APIs stay up. `appUnhealthy` resolves once the app is, or never was healthy. */
  block(): { stopped: Promise<void>; appUnhealthy: Promise<void> };
  /** Ends everything in order; rejects if something could not be closed. */
  close(): Promise<void>;
}

/** Starts a sidecar. If a component or a port can't be opened, closes everything again and rejects. */
export async function start(options: SidecarOptions): Promise<Sidecar> {
  const { flags, env, log } = options;
  const started = performance.now();
  const opened = new AsyncDisposableStack();
  const stopping = new AbortController();
  watchOwnSockets();
  opened.defer(watchIdleMemory());
  try {
    announce(options);
    const progress = noProgress();
    const operations = createOperations(options, progress);
    // First, so that who probes it gets an answer while the rest is waited for.
    const publicApi = await openPublicApi(options, operations);
    if (publicApi) opened.defer(() => publicApi.close());

    const source = await openSource(options);
    opened.defer(() => source.close());
    const configuration = await source.configuration();
    progress.features = configuration.enabledFeatures;

    const metrics = await createSidecarMetrics(options, configuration);
    const watching = openWatch(options);
    const resiliencies = createResiliencies({ log, metrics });
    const policies = createPolicies({
      metrics,
      watch: watching?.hub,
      resiliencies,
      keptBytes: flags["max-body-size"] > 0 ? flags["max-body-size"] : Infinity,
    });
    const metricsPort = metrics && (await openMetricsPort(options, metrics));
    if (metricsPort) opened.defer(() => metricsPort.close());

    const app = await openApp(options, policies);
    if (app) opened.defer(() => app.close());
    const kinds = createKinds(options, {
      app,
      secretScopes: configuration.secretScopes,
      policies,
      watch: watching?.hub,
      absence: (name) => progress.components?.absence(name),
    });
    progress.subscriptions = kinds.subscriptions;
    const inputs = allInputs(kinds);
    const known = watchApp(app, inputs, flags, log);

    const { invocation, resolvers, external } = await openInvocation(
      options,
      {
        app,
        isAppHealthy: known.isHealthy,
        isAppAwaited: known.isAwaited,
        configuration,
        endpoints: progress.endpoints,
        policies,
      },
      opened,
    );

    const components = createComponents(
      options,
      source,
      kinds,
      metrics,
      opened,
    );
    progress.components = components;
    const putEndpoints = endpointKeeper(progress, external);
    await loadResources(options, source, components, kinds, {
      resiliencies: (now) => resiliencies.replace(now),
      httpEndpoints: putEndpoints,
    });

    const routes = [
      ...kinds.routes,
      ...healthRoutes(operations),
      ...metadataRoutes(operations),
      ...shutdownRoutes(operations),
      ...routesToCome(flags["app-id"]),
      ...(watching ? watchRoutes(watching.hub, kinds.states) : []),
    ];
    const apis = await openApis(options, configuration, {
      routes,
      fallback: createInvoke(invocation, createDescribeUnknown(routes)),
      methods: () =>
        loadMethods(kinds, invocation, operations, flags["max-body-size"]),
      proxy: (call) => invocation.proxy(call),
      metrics,
      watching,
      isReady: () => operations.notReady().length === 0,
    });
    opened.defer(() => apis.close());
    if (watching) opened.defer(() => watching.hub.close());
    const peerServer = await openPeers(
      options,
      ownNamespace(env),
      invocation,
      resolvers,
      policies,
    );
    opened.defer(() => peerServer.close());
    progress.isOutboundReady = true;
    const failing = components.failing();
    if (failing.length > 0)
      log.warn(
        `the sidecar works, but is not ready before these components open: ${failing.join(", ")}`,
      );
    source.follow({
      components: (now) => components.replace(now),
      httpEndpoints: putEndpoints,
      resiliencies: (now) => resiliencies.replace(now),
      subscriptions: (now) => kinds.subscriptions.declare(now),
      configuration: options.onRestart,
    });

    // Read from here upwards: what was deferred last runs first. Inputs end before the ports and components above.
    opened.defer(() => inputs.end());
    // And nothing new is opened.
    opened.defer(() => source.unfollow());
    opened.defer(() => stopping.abort());
    // From now on other sidecars call another instance of this app.
    opened.defer(() => peerServer.leave());

    const ready = (async () => {
      await known.meet(stopping.signal);
      progress.isReady = true;
      log.info(
        `dapr initialized. Status: Running. Init Elapsed ${Math.round(performance.now() - started)}ms`,
      );
    })();
    // It is no failure to end while the app is still awaited.
    ready.catch(() => {});

    const all = opened.move();
    return {
      ports: apis.ports,
      ready,
      reading: known.reading,
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
