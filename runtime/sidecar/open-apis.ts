/** The ports of the API: gRPC, HTTP, and the public one for probes. */
import { join } from "node:path";
import type { Methods } from "../api/grpc/method.ts";
import { listenGrpc } from "../api/grpc/server.ts";
import { createApiLog } from "../api/http/api-log.ts";
import { createCors } from "../api/http/cors.ts";
import { createGuard } from "../api/http/guard.ts";
import { healthRoutes, metadataReadRoutes } from "../api/http/operations.ts";
import type { Handler } from "../api/http/request.ts";
import { isWatchPath } from "../api/http/watch.ts";
import { createWatchCall } from "../api/http/watch-calls.ts";
import {
  listen,
  type HttpApi,
  type ServerOptions,
} from "../api/http/server.ts";
import type { Operations } from "../api/operations.ts";
import { ApiError } from "../contracts/errors.ts";
import type { Configuration } from "../contracts/configuration.ts";
import type { ProxiedCall } from "../contracts/proxied-call.ts";
import type { Watch } from "../contracts/watch.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { messageOf } from "../shared/message-of.ts";
import { isLoopback } from "../shared/addresses.ts";
import { isTruthy, parseDurationMs } from "../shared/units.ts";
import {
  listedAddresses,
  publicAddresses,
  usualAddresses,
} from "./addresses.ts";
import type { Flags } from "./flags.ts";
import type { SidecarOptions } from "./options.ts";

/** What the two doors serve. */
export interface Doors {
  routes: ServerOptions["routes"];
  /** For any path or method without a route of its own. */
  fallback: Handler;
  /** The same over gRPC, by the names of Dapr's service. */
  methods(): Promise<Methods>;
  /** For gRPC calls of all other services. */
  proxy(call: ProxiedCall): Promise<void>;
  isReady(): boolean;
  metrics: Metrics | undefined;
  /** Who may watch, and who tells them; undefined if nobody may. */
  watching: { token: string; hub: Watch } | undefined;
}

export interface Apis {
  /** 0 if it is a socket in the file system. */
  ports: { http: number; grpc: number };
  close(): Promise<void>;
}

/** Opens the gRPC and HTTP ports. If one can't be opened, the other is closed again. */
export async function openApis(
  options: SidecarOptions,
  { apiLogging }: Configuration,
  { routes, fallback, methods, proxy, isReady, metrics, watching }: Doors,
): Promise<Apis> {
  const { flags, env, log, signal } = options;
  const listed = listedAddresses(flags);
  const addresses = usualAddresses(flags);
  const opened = new AsyncDisposableStack();
  try {
    const file = (door: string) => socketFile(flags, door);
    const isLogged = flags["enable-api-logging"] ?? apiLogging.enabled;
    const guarding = {
      apiToken: env["DAPR_API_TOKEN"],
      // Whoever opens a file is of this machine.
      allowRemoteShutdown:
        isTruthy(env["DAPR_ALLOW_REMOTE_SHUTDOWN"]) ||
        flags["unix-domain-socket"] !== "",
    };
    const grpc = await listenGrpc(addresses, flags["dapr-grpc-port"], {
      async openDoor() {
        const { openDoor } = await import("../api/grpc/door.ts");
        return openDoor({
          ...guarding,
          methods,
          proxy,
          isReady,
          maxBodyBytes: flags["max-body-size"],
          apiLog: isLogged
            ? log.scope("dapr.runtime.grpc.api-info")
            : undefined,
          onAnswered: metrics?.grpcServer,
          onPassedOn: metrics?.grpcPassedOn,
          watch: watching?.hub,
        });
      },
      refuseTaken: listed.length === 0,
      file: file("grpc"),
      log,
      signal,
    });
    opened.defer(() => grpc.close());
    log.info(
      `API gRPC server is running on ${file("grpc") ?? `port ${grpc.port}`}`,
    );
    const http = await listen(addresses, flags["dapr-http-port"], {
      ...serverOptions(options),
      routes,
      fallback,
      file: file("http"),
      guard: createGuard({
        ...guardOptions(options),
        // No web page can open a file.
        ...(file("http") !== undefined && { allowedHosts: "*" }),
        ...guarding,
        watch: watching && {
          token: watching.token,
          isFile: file("http") !== undefined,
        },
      }),
      watchCall: watching && createWatchCall(watching.hub),
      cors: createCors(flags["allowed-origins"]),
      onAnswered: ofApps(
        both(
          metrics?.httpServer,
          isLogged
            ? createApiLog(log.scope("dapr.runtime.http-info"), apiLogging)
            : undefined,
        ),
        watching !== undefined,
      ),
    });
    opened.defer(() => drain(http));
    log.info(
      `HTTP server is running on ${file("http") ?? `port ${http.addresses[0]!.port}`}`,
    );
    log.info(
      `The request body size parameter is: ${flags["max-body-size"]} bytes`,
    );
    const all = opened.move();
    return {
      ports: { http: http.addresses[0]?.port ?? 0, grpc: grpc.port },
      close: () => all.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** The port for reading health and metadata; undefined if it is not asked for. */
export async function openPublicApi(
  options: SidecarOptions,
  operations: Operations,
): Promise<HttpApi | undefined> {
  const { flags, log } = options;
  const port = flags["dapr-public-port"];
  if (port <= 0) return undefined;
  const api = await listen(publicAddresses(flags), port, {
    ...serverOptions(options),
    routes: [...healthRoutes(operations), ...metadataReadRoutes(operations)],
    // No token: whoever probes has none, and there is nothing to protect.
    guard: createGuard({ ...guardOptions(options), allowRemoteShutdown: true }),
    fallback() {
      throw new ApiError("noPage");
    },
  });
  log.info(`Public HTTP server is running on port ${port}`);
  return api;
}

/** Instead of a port, where `--unix-domain-socket` names a folder. */
const socketFile = (flags: Flags, door: string): string | undefined =>
  flags["unix-domain-socket"] === ""
    ? undefined
    : join(
        flags["unix-domain-socket"],
        `dapr-${flags["app-id"]}-${door}.socket`,
      );

/** What happens with each answer. */
function both(
  count: ServerOptions["onAnswered"],
  tell: ServerOptions["onAnswered"],
): ServerOptions["onAnswered"] {
  if (!count || !tell) return count ?? tell;
  return (...call) => {
    count(...call);
    tell(...call);
  };
}

/** Who watches is neither counted nor logged. */
function ofApps(
  told: ServerOptions["onAnswered"],
  isWatchable: boolean,
): ServerOptions["onAnswered"] {
  if (!told || !isWatchable) return told;
  return (...call) => {
    if (!isWatchPath(call[0].path)) told(...call);
  };
}

export const serverOptions = ({ flags, env, log, signal }: SidecarOptions) => ({
  maxBodyBytes: flags["max-body-size"],
  readBufferBytes: flags["read-buffer-size"],
  refuseTaken: listedAddresses(flags).length === 0,
  h2c: !isTruthy(env["DAPR_HTTP_DISABLE_H2C"]),
  headerTimeoutMs: headerTimeout(env["DAPR_HTTP_HEADER_TIMEOUT"]),
  log,
  signal,
});

const guardOptions = ({ flags, env }: SidecarOptions) => {
  const isOpen = listedAddresses(flags).some((one) => !isLoopback(one));
  return {
    allowedOrigins: flags["allowed-origins"],
    allowedHosts: env["DAPR_ALLOWED_HOSTS"] ?? (isOpen ? "*" : ""),
  };
};

const drain = (api: HttpApi) => api.close();

/** How long a header may take to arrive: as in the original, unless set otherwise. */
function headerTimeout(text = "10s"): number {
  try {
    return parseDurationMs(text, 1000);
  } catch (error) {
    throw new Error(`DAPR_HTTP_HEADER_TIMEOUT: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
