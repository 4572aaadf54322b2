/** The gRPC API behind its port: guard, log, methods. Loaded with the first connection. */
import { ApiError } from "../../contracts/errors.ts";
import { CallError, grpcCodeOfKind } from "../../contracts/invocation.ts";
import { PolicyError } from "../../contracts/run.ts";
import { targetOf, type ProxiedCall } from "../../contracts/proxied-call.ts";
import type { Watch } from "../../contracts/watch.ts";
import { createGrpcServer, type GrpcServer } from "../../net/grpc/server.ts";
import type { ServeCall } from "../../net/grpc/server.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import { files } from "../../proto/gen/descriptors.ts";
import type { OnGrpcCall } from "../../contracts/call.ts";
import type { Logger } from "../../shared/log.ts";
import { createApiLog } from "./api-log.ts";
import { isOfWorkflows, methodsToCome, notHere } from "./blocks-to-come.ts";
import { failCall } from "./errors.ts";
import { createGuard, type GuardOptions } from "./guard.ts";
import { healthMethods } from "./health.ts";
import type { Methods } from "./method.ts";
import { reflectionMethods } from "./reflection.ts";
import { watchCall } from "./watch-calls.ts";

export interface DoorOptions extends GuardOptions {
  /** Of Dapr's service, by name. */
  methods(): Promise<Methods>;
  /** For calls of all other services. */
  proxy(call: ProxiedCall): Promise<void>;
  /** The limit of a message, either way. */
  maxBodyBytes: number;
  isReady(): boolean;
  /** Where calls are logged, if they are. */
  apiLog: Logger | undefined;
  /** Told of each call, of refused ones too. */
  onAnswered: OnGrpcCall | undefined;
  /** The same of calls that are passed on to apps. */
  onPassedOn: OnGrpcCall | undefined;
  watch: Watch | undefined;
}

const service = "dapr.proto.runtime.v1.Dapr";
/** Calls of one connection at a time. Its caller holds others back. */
const maxCalls = 1000;

export async function openDoor(options: DoorOptions): Promise<GrpcServer> {
  const served = await options.methods();
  const services = [
    service,
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ];
  const all = {
    ...inService({ ...methodsToCome(methodNames(), served), ...served }),
    ...unlessForApp(
      healthMethods(options.isReady, new Set(services)),
      toApp(options.proxy),
    ),
    ...reflectionMethods(services),
  };
  const guard = createGuard(options);
  const log = options.apiLog && createApiLog(options.apiLog);
  const { watch } = options;
  const guarded =
    (method: ServeCall, count = options.onAnswered): ServeCall =>
    (call) => {
      const started = performance.now();
      const refusal = guard(call);
      const watched =
        watch?.isOn && !refusal ? watchCall(watch, call) : undefined;
      if (count || log || watched)
        call.onStatus = (code, error) => {
          const ms = performance.now() - started;
          count?.(call.path, code, ms, call.sizes, errorCodeOf(error));
          if (!refusal) log?.(call, code, ms);
          watched?.(code);
        };
      if (refusal) return failCall(call, refusal);
      method(call);
    };
  return createGrpcServer({
    maxMessageBytes: options.maxBodyBytes,
    methods: new Map(
      Object.entries(all).map(([path, method]) => [path, guarded(method)]),
    ),
    onUnknown: guarded(toApp(options.proxy), options.onPassedOn),
    gzip: true,
    maxCalls,
    refusesPings: true,
  });
}

/** In the words of HTTP: the catalogue has one list for both. */
function errorCodeOf(error: unknown): string | undefined {
  const { cause } = (error ?? {}) as Partial<Error>;
  return cause instanceof ApiError ? cause.code : undefined;
}

const inService = (methods: Methods): Methods =>
  Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      `/${service}/${name}`,
      method,
    ]),
  );

/** All that Dapr's service has. */
function methodNames(): string[] {
  const start = `${service}.`;
  return files
    .flatMap(({ symbols }) => symbols)
    .filter((symbol) => symbol.startsWith(start))
    .map((symbol) => symbol.slice(start.length));
}

/** An app may serve the same, and a caller that names it asks the app. */
const unlessForApp = (methods: Methods, askApp: ServeCall): Methods =>
  Object.fromEntries(
    Object.entries(methods).map(([path, method]): [string, ServeCall] => [
      path,
      (call) =>
        targetOf(call.metadata) === undefined ? method(call) : askApp(call),
    ]),
  );

/** A path that the sidecar does not know is meant for an app. */
const toApp =
  (proxy: DoorOptions["proxy"]): ServeCall =>
  (call) => {
    if (isOfWorkflows(call.path)) return notHere("workflow")(call);
    proxy(call).catch((error: unknown) => {
      const code = codeOf(error);
      call.fail(
        code === undefined
          ? error
          : new GrpcError(code, (error as Error).message, { cause: error }),
      );
    });
  };

function codeOf(error: unknown): number | undefined {
  if (error instanceof CallError) return grpcCodeOfKind[error.kind];
  return error instanceof PolicyError && error.kind === "timeout"
    ? grpcCode.deadlineExceeded
    : undefined;
}
