/**
 * The composition root: opens everything in the documented order (spec api
 * §6.5), closes it in reverse (§6.6), unwinds a failed start.
 */
import { hostname, networkInterfaces } from "node:os";
import type { HttpApi, ServerOptions } from "./api/http/server.ts";
import { listen } from "./api/http/server.ts";
import { listenGrpc } from "./api/grpc/server.ts";
import { createApiLog } from "./api/http/api-log.ts";
import { bindingRoutes } from "./api/http/bindings.ts";
import { createInvoke } from "./api/http/invoke.ts";
import { createCors } from "./api/http/cors.ts";
import { createGuard } from "./api/http/guard.ts";
import {
  healthRoutes,
  metadataRoutes,
  shutdownRoutes,
  type Operations,
} from "./api/http/operations.ts";
import { secretRoutes } from "./api/http/secrets.ts";
import { stateRoutes } from "./api/http/state.ts";
import { createExternal } from "./app/external-http.ts";
import { watchHealth } from "./app/health.ts";
import { createHttpChannel } from "./app/http-channel.ts";
import { createBindings, type NamedBinding } from "./blocks/bindings.ts";
import { createInvocation } from "./blocks/invocation.ts";
import { createSecrets } from "./blocks/secrets.ts";
import { createStates } from "./blocks/state.ts";
import {
  bindings as knownBindings,
  nameResolvers,
  secretStores,
  stateStores,
} from "./components/index.ts";
import { directionsOf, openComponent } from "./components/open.ts";
import type { Configuration } from "./configuration.ts";
import type { Binding, Closable } from "./contract.ts";
import { messageOf } from "./errors.ts";
import type { Flags } from "./flags.ts";
import type { Explain } from "./hide-secrets.ts";
import type { Handler } from "./api/http/request.ts";
import { openComponents, type Category } from "./load-components.ts";
import type { HttpEndpoint } from "./invocation.ts";
import type { NameResolver } from "./name-resolver.ts";
import { createPeers } from "./peers/client.ts";
import { listenPeers } from "./peers/server.ts";
import type { Logger } from "./log.ts";
import { isTruthy, parseDurationMs } from "./metadata.ts";
import {
  label,
  loadComponents,
  type LoadedComponent,
} from "./resources/components.ts";
import { loadConfiguration } from "./resources/configuration.ts";
import { loadHttpEndpoints } from "./resources/http-endpoints.ts";
import type { SecretStore } from "./secret-store.ts";
import type { StateStore } from "./state-store.ts";
import { daprVersion, version } from "./version.ts";

export interface SidecarOptions {
  flags: Flags;
  env: Record<string, string | undefined>;
  log: Logger;
  /** Someone asked for the end over the API. */
  onShutdown: (force: boolean) => void;
}

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
  const started = performance.now();
  const opened = new AsyncDisposableStack();
  const stopping = new AbortController();
  try {
    log.info(
      `Starting Dapr Runtime -- version ${daprVersion} -- commit ts-${version}`,
    );
    log.info(`Log level set to: ${flags["log-level"]}`);
    log.warn(
      "mTLS is disabled. Skipping certificate request and tls validation",
    );
    if (flags.config.length === 0) log.info("loading default configuration");
    log.info("standalone mode configured");
    log.info(`app id: ${flags["app-id"]}`);

    const configuration = loadConfiguration(flags.config, { env, log });
    const namespace = env["NAMESPACE"] ?? "";

    const app = await openApp(options);
    if (app) opened.defer(() => app.close());
    const health = { isHealthy: false, isBlocked: false, isAwaited: true };

    const resolvers = await openResolvers(configuration, options);
    for (const resolver of resolvers) opened.defer(() => resolver.close());
    const peers = createPeers({ maxBodyBytes: flags["max-body-size"] });
    opened.defer(() => peers.close());
    const external = createExternal();
    opened.defer(() => external.close());
    const endpoints = new Map<string, HttpEndpoint>();
    const invocation = createInvocation({
      appId: flags["app-id"],
      namespace: namespace || "default",
      app,
      isAppHealthy: () => health.isHealthy,
      isAppAwaited: () => health.isAwaited && !flags["enable-app-health-check"],
      resolvers,
      peers,
      external,
      endpoints,
      accessControl: configuration.accessControl,
      host: { name: hostname(), address: hostAddress(env) },
      hasApiToken: Boolean(env["DAPR_API_TOKEN"]),
      log,
    });

    const block = createBindings({
      log,
      app,
      probeTimeoutMs: flags["app-binding-options-timeout"] ?? 3000,
    });
    const secrets = createSecrets({ scopes: configuration.secretScopes });
    const states = createStates({ appId: flags["app-id"], namespace, log });

    const named: Named[] = [];
    const categories = {
      secretstores: {
        known: secretStores,
        add(store: SecretStore, resource: LoadedComponent, explain: Explain) {
          secrets.add(resource.name, store, explain);
          named.push({ resource, capabilities: [...store.features] });
        },
      },
      state: {
        known: stateStores,
        add(store: StateStore, resource: LoadedComponent, explain: Explain) {
          states.add(resource.name, store, resource.metadata, explain);
          named.push({ resource, capabilities: capabilitiesOf(store) });
        },
      },
      bindings: {
        known: knownBindings,
        add(binding: Binding, resource: LoadedComponent, explain: Explain) {
          const route = resource.metadata.find(({ name }) => name === "route");
          const entry: NamedBinding = {
            name: resource.name,
            binding,
            explain,
            route: route?.value || resource.name,
            directions: directionsOf(resource),
          };
          block.add(entry);
          named.push({ resource, capabilities: block.capabilities(entry) });
        },
      },
    };
    log.info("Loading components…");
    await openComponents(
      loadComponents(
        [...flags["resources-path"], ...flags["components-path"]],
        {
          appId: flags["app-id"],
          env,
          log,
          denied: configuration.deniedComponents,
        },
      ),
      {
        appId: flags["app-id"],
        env,
        log,
        // A list and what is done with its entries go together; past here a component is a component.
        categories: categories as unknown as Record<string, Category>,
        secrets,
        onOpened(component: Closable, resource, explain) {
          opened.defer(async () => {
            log.info(`Shutting down component ${label(resource)}`);
            try {
              await component.close();
            } catch (error) {
              throw new Error(explain(error), { cause: error });
            }
          });
        },
      },
    );
    secrets.tellIdleScopes(log);
    const loaded = await loadHttpEndpoints(
      [...flags["resources-path"], ...flags["components-path"]],
      {
        appId: flags["app-id"],
        env,
        secrets,
        log,
      },
    );
    for (const [name, endpoint] of loaded) endpoints.set(name, endpoint);
    log.info("All outstanding components processed");

    const state = { outbound: false, ready: false };
    const extended = new Map([["daprRuntimeVersion", daprVersion]]);
    const operations: Operations = {
      appId: flags["app-id"],
      notReady: () => (state.ready ? [] : ["runtime"]),
      outboundReady: () => state.outbound,
      metadata: () => describe(flags, named, [...endpoints.keys()], extended),
      setMetadata: (key, value) => void extended.set(key, value),
      shutdown: options.onShutdown,
    };
    const apis = await openApis(
      options,
      configuration,
      operations,
      createInvoke(invocation),
      [
        ...bindingRoutes(block),
        ...stateRoutes(states),
        ...secretRoutes(secrets),
        ...healthRoutes(operations),
        ...metadataRoutes(operations),
        ...shutdownRoutes(operations),
      ],
    );
    opened.defer(() => apis.close());
    const peerServer = await listenPeers({
      addresses: peerAddresses(flags),
      port: flags["dapr-internal-grpc-port"],
      appId: flags["app-id"],
      receive: (request) => invocation.receive(request),
      maxBodyBytes: flags["max-body-size"],
    });
    opened.defer(() => peerServer.close());
    log.info(
      `Internal gRPC server is running on ${peerAddresses(flags)[0]}:${peerServer.port}`,
    );
    for (const resolver of resolvers)
      await resolver.register?.({
        appId: flags["app-id"],
        namespace: namespace || "default",
        host: reachableAddress(peerAddresses(flags)[0]!, env),
        port: peerServer.port,
        direct: peerServer.direct,
      });
    state.outbound = true;

    // Inputs end first: nothing new reaches the app while the rest goes down.
    opened.defer(() => block.stopReading());
    opened.defer(() => stopping.abort());

    const unhealthy = Promise.withResolvers<void>();
    const onHealthy = () => {
      health.isHealthy = true;
      health.isAwaited = false;
      if (!health.isBlocked) block.startReading();
    };
    const ready = (async () => {
      if (app) await meetApp();
      state.ready = true;
      log.info(
        `dapr initialized. Status: Running. Init Elapsed ${Math.round(performance.now() - started)}ms`,
      );
    })();
    // Ending while the app is still awaited is no failure.
    ready.catch(() => {});

    async function meetApp() {
      const port = flags["app-port"];
      log.info(
        `application protocol: ${protocolOf(flags)}. waiting on port ${port}.  This will block until the app is listening on that port.`,
      );
      await app!.whenListening(stopping.signal);
      stopping.signal.throwIfAborted();
      log.info(`application discovered on port ${port}`);
      if (!flags["enable-app-health-check"]) return onHealthy();
      void watchHealth(
        app!,
        {
          path: flags["app-health-check-path"] || "/healthz",
          intervalMs: (flags["app-health-probe-interval"] || 5) * 1000,
          timeoutMs: flags["app-health-probe-timeout"] || 500,
          threshold: flags["app-health-threshold"] || 3,
        },
        (healthy, reason) => {
          if (healthy) {
            log.info("app is healthy: inputs start");
            onHealthy();
          } else {
            log.warn(`app is unhealthy (${reason}): inputs stop`);
            health.isHealthy = false;
            if (health.isBlocked) unhealthy.resolve();
            void block.stopReading();
          }
        },
        stopping.signal,
      );
    }

    const all = opened.move();
    return {
      ready,
      block() {
        health.isBlocked = true;
        if (app && !health.isHealthy) unhealthy.resolve();
        return {
          stopped: block.stopReading(),
          appUnhealthy: unhealthy.promise,
        };
      },
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

/** This machine's address as others see it; loopback where there is no network. */
const hostAddress = (env: SidecarOptions["env"]): string =>
  env["DAPR_HOST_IP"] ||
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === "IPv4")?.address ||
  "127.0.0.1";

const protocolOf = (flags: Flags) =>
  flags["app-ssl"] && flags["app-protocol"] === "http"
    ? "https"
    : flags["app-protocol"];

async function openApp({ flags, env, log }: SidecarOptions) {
  const protocol = protocolOf(flags);
  if (flags["app-port"] <= 0) {
    log.warn("App channel is not initialized. Did you configure an app-port?");
    return undefined;
  }
  if (protocol !== "http" && protocol !== "https" && protocol !== "h2c")
    throw new Error(
      `app-protocol "${protocol}" is not available: this version of the sidecar calls apps over http, https or h2c`,
    );
  return createHttpChannel({
    protocol,
    address: flags["app-channel-address"],
    port: flags["app-port"],
    maxConcurrency: flags["app-max-concurrency"],
    maxBodyBytes: flags["max-body-size"],
    apiToken: env["APP_API_TOKEN"],
  });
}

/**
 * The resolvers, asked in order: the Configuration's one, or what is usual on a
 * machine. One that can't be opened is only logged, as in the original.
 */
async function openResolvers(
  { nameResolution }: Configuration,
  { flags, env, log }: SidecarOptions,
): Promise<NameResolver[]> {
  const wanted = nameResolution
    ? [nameResolution]
    : usualResolvers.map((component) => ({
        component,
        version: "v1",
        configuration: [],
        at: undefined,
      }));
  const resolvers: NameResolver[] = [];
  for (const entry of wanted) {
    const type = `nameresolution.${entry.component.toLowerCase()}`;
    try {
      const { component: resolver } = await openComponent(
        {
          name: entry.component,
          type,
          version: entry.version,
          metadata: entry.configuration,
          ignoreErrors: true,
          initTimeoutMs: 5000,
          scopes: [],
          at: entry.at,
        },
        nameResolvers,
        { appId: flags["app-id"], env, log },
      );
      resolvers.push(resolver);
    } catch (error) {
      log.warn(`name resolution ${type} is not available: ${messageOf(error)}`);
    }
  }
  if (resolvers.length > 0)
    log.info(
      `Initialized name resolution to ${wanted.map(({ component }) => component).join(", ")}`,
    );
  return resolvers;
}

/** Without a Configuration: other sidecars of this kit by the local registry, the original's by mDNS. */
const usualResolvers = ["local", "mdns"];

/** `[::1],127.0.0.1` → as Node takes them. */
const listedAddresses = (flags: Flags): string[] =>
  flags["dapr-listen-addresses"]
    .split(",")
    .map((address) => address.trim().replace(/^\[(.*)\]$/, "$1"))
    .filter(Boolean);

/** Where other sidecars call in: this machine alone, unless told otherwise (there is no mutual TLS yet). */
const peerAddresses = (flags: Flags): string[] => [
  flags["dapr-internal-grpc-listen-address"] ||
    (listedAddresses(flags)[0] ?? "127.0.0.1"),
];

/** Where others reach what listens on `address`. */
const reachableAddress = (address: string, env: SidecarOptions["env"]) =>
  /^(0\.0\.0\.0|\[?::\]?|\*)$/.test(address) ? hostAddress(env) : address;

/** Features as `/v1.0/metadata` lists them; both of these make a store fit for actors (spec api §6.1). */
const capabilitiesOf = ({ features }: StateStore): string[] => [
  ...features,
  ...(features.includes("ETAG") && features.includes("TRANSACTIONAL")
    ? ["ACTOR"]
    : []),
];

/** A component as `/v1.0/metadata` shows it. */
interface Named {
  resource: LoadedComponent;
  capabilities: string[];
}

const loopback = ["127.0.0.1", "::1"];

/** Opens the gRPC, HTTP and public ports; what opened is closed again when one can't. */
async function openApis(
  { flags, env, log }: SidecarOptions,
  { apiLogging }: Configuration,
  operations: Operations,
  fallback: Handler,
  routes: ServerOptions["routes"],
): Promise<{ close(): Promise<void> }> {
  const listed = listedAddresses(flags);
  const addresses = listed.length > 0 ? listed : loopback;
  const isOpen = listed.some(
    (address) => !/^(127\.|::1$|localhost$)/.test(address),
  );
  const opened = new AsyncDisposableStack();
  try {
    const grpc = await listenGrpc(addresses, flags["dapr-grpc-port"], log);
    opened.defer(() => grpc.close());
    log.info(`API gRPC server is running on port ${grpc.port}`);
    const common = {
      maxBodyBytes: flags["max-body-size"],
      readBufferBytes: flags["read-buffer-size"],
      refuseTaken: listed.length === 0,
      h2c: !isTruthy(env["DAPR_HTTP_DISABLE_H2C"]),
      headerTimeoutMs: headerTimeout(env["DAPR_HTTP_HEADER_TIMEOUT"]),
      log,
    };
    const http = await listen(addresses, flags["dapr-http-port"], {
      ...common,
      routes,
      fallback,
      guard: createGuard({
        apiToken: env["DAPR_API_TOKEN"],
        allowedOrigins: flags["allowed-origins"],
        allowedHosts: env["DAPR_ALLOWED_HOSTS"] ?? (isOpen ? "*" : ""),
        allowRemoteShutdown: isTruthy(env["DAPR_ALLOW_REMOTE_SHUTDOWN"]),
      }),
      cors: createCors(flags["allowed-origins"]),
      onAnswered:
        (flags["enable-api-logging"] ?? apiLogging.enabled)
          ? createApiLog(log.scope("dapr.runtime.http-info"), apiLogging)
          : undefined,
    });
    opened.defer(() => drain(http));
    log.info(`HTTP server is running on port ${http.addresses[0]!.port}`);
    log.info(
      `The request body size parameter is: ${flags["max-body-size"]} bytes`,
    );
    if (flags["dapr-public-port"] > 0) {
      const pub = await listen(
        flags["dapr-public-listen-address"]
          ? [flags["dapr-public-listen-address"]]
          : addresses,
        flags["dapr-public-port"],
        {
          ...common,
          routes: [...healthRoutes(operations), ...metadataRoutes(operations)],
          fallback: () => ({
            status: 404,
            contentType: "text/plain; charset=utf-8",
            body: "404 page not found\n",
          }),
        },
      );
      opened.defer(() => drain(pub));
      log.info(
        `Public HTTP server is running on port ${flags["dapr-public-port"]}`,
      );
    }
    const all = opened.move();
    return { close: () => all.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

const drain = (api: HttpApi) => api.close();

/** As long as the original gives a header (spec api §0), unless told otherwise. */
function headerTimeout(text = "10s"): number {
  try {
    return parseDurationMs(text, 1000);
  } catch (error) {
    throw new Error(`DAPR_HTTP_HEADER_TIMEOUT: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The body of `GET /v1.0/metadata` (spec api §6.1); empty members are left out. */
function describe(
  flags: Flags,
  named: Named[],
  endpoints: string[],
  extended: Map<string, string>,
): Record<string, unknown> {
  const appPort = flags["app-port"];
  return {
    id: flags["app-id"],
    runtimeVersion: daprVersion,
    ...(named.length > 0
      ? {
          components: named.map(({ resource, capabilities }) => ({
            name: resource.name,
            type: resource.type,
            version: resource.version || "v1",
            capabilities,
          })),
        }
      : {}),
    extended: Object.fromEntries(extended),
    ...(endpoints.length > 0
      ? { httpEndpoints: endpoints.map((name) => ({ name })) }
      : {}),
    appConnectionProperties: {
      ...(appPort > 0 ? { port: appPort } : {}),
      protocol: protocolOf(flags),
      channelAddress: flags["app-channel-address"],
      ...(flags["app-max-concurrency"] > 0
        ? { maxConcurrency: flags["app-max-concurrency"] }
        : {}),
      ...(flags["enable-app-health-check"]
        ? {
            health: {
              healthCheckPath: flags["app-health-check-path"],
              healthProbeInterval: `${flags["app-health-probe-interval"]}s`,
              healthProbeTimeout: `${flags["app-health-probe-timeout"]}ms`,
              healthThreshold: flags["app-health-threshold"],
            },
          }
        : {}),
    },
    actorRuntime: { runtimeStatus: "DISABLED", hostReady: false },
  };
}
