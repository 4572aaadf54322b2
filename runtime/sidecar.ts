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
import { createBindings } from "./blocks/bindings.ts";
import { createInvocation } from "./blocks/invocation.ts";
import { createSecrets } from "./blocks/secrets.ts";
import { createStates } from "./blocks/state.ts";
import { createCategories } from "./categories.ts";
import { nameResolvers } from "./components/index.ts";
import { openComponent } from "./components/open.ts";
import type { Configuration } from "./configuration.ts";
import { messageOf } from "./errors.ts";
import type { Flags } from "./flags.ts";
import type { Handler } from "./api/http/request.ts";
import { createComponentSet, type ComponentSet } from "./component-set.ts";
import type { Loaded } from "./open-loaded.ts";
import type { HttpEndpoint } from "./invocation.ts";
import type { NameResolver } from "./name-resolver.ts";
import { createPeers } from "./peers/client.ts";
import { listenPeers } from "./peers/server.ts";
import type { Logger } from "./log.ts";
import { isTruthy, parseDurationMs } from "./metadata.ts";
import { openFolders } from "./resources/folders.ts";
import type { ResourceSource } from "./resources/source.ts";
import { daprVersion, version } from "./version.ts";

export interface SidecarOptions {
  flags: Flags;
  env: Record<string, string | undefined>;
  log: Logger;
  /** Someone asked for the end over the API. */
  onShutdown: (force: boolean) => void;
  /** What the sidecar began with has changed: it has to end and start anew. */
  onRestart: (reason: string) => void;
  /** The end was asked for: a start that still waits for something is called off. */
  signal: AbortSignal;
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
    log.info(`${flags.mode} mode configured`);
    log.info(`app id: ${flags["app-id"]}`);
    // From the injector, whose own log few users look at.
    const warnings = env["DAPR_ANNOTATION_WARNINGS"]?.split("\n") ?? [];
    for (const warning of warnings) log.warn(warning);
    const namespace = env["NAMESPACE"] ?? "";

    const state = { outbound: false, ready: false };
    const extended = new Map([["daprRuntimeVersion", daprVersion]]);
    const endpoints = new Map<string, HttpEndpoint>();
    let components: ComponentSet | undefined;
    let wasComplete = false;
    /** Components that the first start still waits for; a later change takes no app out of service. */
    const missing = (): string[] => {
      const names = wasComplete ? [] : components!.failing();
      wasComplete = names.length === 0;
      return names.map((name) => `component ${name}`);
    };
    const operations: Operations = {
      appId: flags["app-id"],
      notReady: () => (state.ready ? missing() : ["runtime"]),
      outboundReady: () => state.outbound && missing().length === 0,
      metadata: () =>
        describe(
          flags,
          components?.loaded() ?? [],
          [...endpoints.keys()],
          extended,
        ),
      setMetadata: (key, value) => void extended.set(key, value),
      shutdown: options.onShutdown,
    };
    // First, so that who probes it gets an answer while the rest is waited for.
    const publicApi = await openPublicApi(options, operations);
    if (publicApi) opened.defer(() => publicApi.close());

    const source = await openSource(options);
    opened.defer(() => source.close());
    const configuration = await source.configuration();

    const app = await openApp(options);
    if (app) opened.defer(() => app.close());
    const health = { isHealthy: false, isBlocked: false, isAwaited: true };

    const resolvers = await openResolvers(configuration, options);
    for (const resolver of resolvers) opened.defer(() => resolver.close());
    const peers = createPeers({ maxBodyBytes: flags["max-body-size"] });
    opened.defer(() => peers.close());
    const external = createExternal();
    opened.defer(() => external.close());
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

    const opening = createComponentSet({
      appId: flags["app-id"],
      env,
      log,
      categories: createCategories({ secrets, states, bindings: block }),
      secrets,
      isPatient: source.follow !== undefined,
    });
    components = opening;
    opened.defer(() => opening.close());
    log.info("Loading components…");
    await opening.load(await source.components(), options.signal);
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
    opened.defer(() => block.stopReading());
    // And nothing new is opened.
    opened.defer(() => source.unfollow?.());
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

/** In a cluster its operator, else folders. */
async function openSource({
  flags,
  env,
  log,
  signal,
}: SidecarOptions): Promise<ResourceSource> {
  const appId = flags["app-id"];
  if (flags.mode !== "kubernetes")
    return openFolders({
      appId,
      folders: [...flags["resources-path"], ...flags["components-path"]],
      configurationFiles: flags.config,
      env,
      log,
    });
  const { openOperatorSource } = await import("./resources/operator-source.ts");
  return openOperatorSource({
    appId,
    address: flags["control-plane-address"],
    configurationName: flags.config[0],
    withoutBuiltInStore: flags["disable-builtin-k8s-secret-store"],
    env,
    log,
    signal,
  });
}

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
    : usualResolvers(flags).map((component) => ({
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

/** Without a Configuration: the cluster's; on a machine other sidecars of this kit by the local registry, the original's by mDNS. */
const usualResolvers = ({ mode }: Flags) =>
  mode === "kubernetes" ? ["kubernetes"] : ["local", "mdns"];

/** As Node takes it: all interfaces, IPv6 and IPv4, or what of them there is. */
const anyAddress = "";

/** `[::1],127.0.0.1` → as Node takes them. */
const listedAddresses = (flags: Flags): string[] =>
  flags["dapr-listen-addresses"]
    .split(",")
    .map((address) => address.trim().replace(/^\[(.*)\]$/, "$1"))
    .filter(Boolean);

/**
 * Where other sidecars call in: this machine alone, unless told otherwise (there is no mutual TLS yet);
 * in a cluster they call the pod's address.
 */
const peerAddresses = (flags: Flags): string[] => [
  flags["dapr-internal-grpc-listen-address"] ||
    (flags.mode === "kubernetes"
      ? anyAddress
      : (listedAddresses(flags)[0] ?? "127.0.0.1")),
];

/** Where others reach what listens on `address`. */
const reachableAddress = (address: string, env: SidecarOptions["env"]) =>
  /^(0\.0\.0\.0|\[?::\]?|\*|)$/.test(address) ? hostAddress(env) : address;

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
  const addresses = usualAddresses(flags);
  const isOpen = listed.some(
    (address) => !/^(127\.|::1$|localhost$)/.test(address),
  );
  const opened = new AsyncDisposableStack();
  try {
    const grpc = await listenGrpc(addresses, flags["dapr-grpc-port"], log);
    opened.defer(() => grpc.close());
    log.info(`API gRPC server is running on port ${grpc.port}`);
    const http = await listen(addresses, flags["dapr-http-port"], {
      ...serverOptions(flags, env, log),
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
    const all = opened.move();
    return { close: () => all.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** The port for health and metadata only; undefined unless it is asked for. */
async function openPublicApi(
  { flags, env, log }: SidecarOptions,
  operations: Operations,
): Promise<HttpApi | undefined> {
  const port = flags["dapr-public-port"];
  if (port <= 0) return undefined;
  const given = flags["dapr-public-listen-address"];
  const isInCluster = flags.mode === "kubernetes";
  const addresses = given
    ? [given]
    : isInCluster
      ? [anyAddress] // the kubelet probes the pod's address
      : usualAddresses(flags);
  const api = await listen(addresses, port, {
    ...serverOptions(flags, env, log),
    routes: [...healthRoutes(operations), ...metadataRoutes(operations)],
    fallback: () => ({
      status: 404,
      contentType: "text/plain; charset=utf-8",
      body: "404 page not found\n",
    }),
  });
  log.info(`Public HTTP server is running on port ${port}`);
  return api;
}

const usualAddresses = (flags: Flags): string[] => {
  const listed = listedAddresses(flags);
  return listed.length > 0 ? listed : loopback;
};

const serverOptions = (
  flags: Flags,
  env: SidecarOptions["env"],
  log: Logger,
) => ({
  maxBodyBytes: flags["max-body-size"],
  readBufferBytes: flags["read-buffer-size"],
  refuseTaken: listedAddresses(flags).length === 0,
  h2c: !isTruthy(env["DAPR_HTTP_DISABLE_H2C"]),
  headerTimeoutMs: headerTimeout(env["DAPR_HTTP_HEADER_TIMEOUT"]),
  log,
});

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
  components: readonly Loaded[],
  endpoints: string[],
  extended: Map<string, string>,
): Record<string, unknown> {
  const appPort = flags["app-port"];
  return {
    id: flags["app-id"],
    runtimeVersion: daprVersion,
    ...(components.length > 0
      ? {
          components: components.map(({ resource, capabilities }) => ({
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
