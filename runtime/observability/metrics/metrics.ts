/**
 * What a sidecar counts (docs/metrics.md). Whoever counts calls one of these functions;
 * labels that a caller chooses are kept few here. `text` writes all of it down.
 */
import type { OnGrpcCall } from "../../contracts/call.ts";
import type { MetricsSettings } from "../../contracts/configuration.ts";
import { grpcCode } from "../../shared/grpc-code.ts";
import { Bounded, type Label } from "./bounded.ts";
import { categoryOf } from "./error-category.ts";
import { createPathLabel } from "./http-path.ts";
import {
  noRewrites,
  rewritesOf,
  unknownLabels,
  type Rewrites,
} from "./rules.ts";
import { createTables, type Tables } from "./tables.ts";

export type Metrics = ReturnType<typeof createMetrics>;

/** A request to the API over HTTP. */
export interface ServedRequest {
  method: string;
  path: string;
  /** The route's pattern, `/v1.0/state/:store`; undefined for a call of an app. */
  route: string | undefined;
  headers: Record<string, string | string[] | undefined>;
}

export interface ServedReply {
  status: number;
  errorCode?: string;
}

export type EventResult = "success" | "retry" | "drop";

export type CallType = "unary" | "streaming";

export interface MetricsOptions {
  appId: string;
  namespace: string;
  settings: MetricsSettings;
  /** What `settings.rules` come to; none if left out. */
  rewrites?: Rewrites;
}

/** Milliseconds. */
const usualLatencies = [
  1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160,
  200, 250, 300, 400, 500, 650, 800, 1000, 2000, 5000, 10000, 20000, 50000,
  100000,
];

const verbs = new Set(
  "GET PUT POST PATCH DELETE HEAD OPTIONS CONNECT TRACE".split(" "),
);

const none: readonly string[] = [];

export function createMetrics({
  appId,
  namespace,
  settings,
  rewrites = noRewrites,
}: MetricsOptions) {
  const { http, latencyBuckets = usualLatencies } = settings;
  const tables = createTables(latencyBuckets, http.increasedCardinality);
  const verb = (method: string) =>
    http.excludeVerbs ? "" : verbs.has(method) ? method : "UNKNOWN";
  return {
    ...countHttp(tables, settings, verb, rewrites),
    ...countGrpc(tables, settings, rewrites),
    ...countComponents(tables, namespace),
    ...countPubSub(tables, namespace, rewrites),
    ...countCalls(tables, rewrites),
    ...countResiliency(tables, rewrites),
    /** Of `rewrites`: for what there is not. */
    unknownLabels: unknownLabels(rewrites, Object.values(tables)),
    /** The writer is loaded with the first reader. */
    async text(): Promise<{ contentType: string; body: string }> {
      const { contentType, metricsText } = await import("./text.ts");
      return {
        contentType,
        body: metricsText(appId, Object.values(tables), rewrites),
      };
    },
  };
}

function countHttp(
  tables: Tables,
  { http, recordErrorCodes }: MetricsSettings,
  verb: (method: string) => string,
  rewrites: Rewrites,
) {
  const ofPath = rewritesOf(rewrites, "path");
  const apiPath = createPathLabel(http, ofPath);
  const appPath = createPathLabel(http, ofPath);
  return {
    /** `bytes`: of the answer's body. */
    httpServer(
      request: ServedRequest,
      { status, errorCode }: ServedReply,
      bytes: number,
      ms: number,
    ) {
      const { method, path, route, headers } = request;
      const label = apiPath(path, route);
      tables.httpServer.add([verb(method), label, `${status}`], ms);
      const length = headers["content-length"];
      tables.httpRequestBytes.add(none, length === undefined ? 0 : +length);
      tables.httpResponseBytes.add(none, bytes);
      if (recordErrorCodes && errorCode)
        tables.errors.add([categoryOf(errorCode), errorCode]);
    },
    /** A call of the app; `path` without its query. */
    httpClient(
      method: string,
      path: string,
      status: number,
      bytes: number,
      ms: number,
    ) {
      const named = verb(method);
      const label = appPath(path, undefined);
      tables.httpSentBytes.add([named, label, ""], bytes);
      tables.httpClient.add([named, label, `${status}`], ms);
    },
  };
}

/** `method`: `/package.Service/Method`. Of calls that are passed on, callers choose it. */
function countGrpc(
  tables: Tables,
  { recordErrorCodes }: MetricsSettings,
  rewrites: Rewrites,
): Record<
  "grpcServer" | "grpcClient" | "grpcPassedOn" | "grpcPassedToApp",
  OnGrpcCall
> {
  const passedOn = new Bounded(
    "other",
    rewritesOf(rewrites, "grpc_server_method", "grpc_client_method"),
  );
  const counts = {
    grpcServer(
      method: Label,
      code,
      ms,
      { sentBytes, receivedBytes },
      errorCode,
    ) {
      tables.grpcServer.add([method, statusName(code)], ms);
      tables.grpcServerReceived.add([method], receivedBytes);
      tables.grpcServerSent.add([method], sentBytes);
      if (recordErrorCodes && errorCode)
        tables.errors.add([categoryOf(errorCode), errorCode]);
    },
    grpcClient(method: Label, code, ms, { sentBytes, receivedBytes }) {
      tables.grpcClient.add([method, statusName(code)], ms);
      tables.grpcClientSent.add([method], sentBytes);
      tables.grpcClientReceived.add([method], receivedBytes);
    },
  } satisfies Record<string, OnGrpcCall>;
  return {
    ...counts,
    grpcPassedOn: (method, ...how) =>
      counts.grpcServer(passedOn.fold(method), ...how),
    /** What came from another sidecar was sent to the app, and the other way round. */
    grpcPassedToApp: (method, code, ms, { sentBytes, receivedBytes }) =>
      counts.grpcClient(passedOn.fold(method), code, ms, {
        sentBytes: receivedBytes,
        receivedBytes: sentBytes,
      }),
  };
}

/** As Go writes it: `OK`, `PermissionDenied`. */
function statusName(code: number): string {
  const name = Object.keys(grpcCode)[code] ?? "unknown";
  if (code === grpcCode.ok) return "OK";
  if (code === grpcCode.cancelled) return "Canceled";
  return name.replace(/^./, (first) => first.toUpperCase());
}

const countComponents = (tables: Tables, namespace: string) => ({
  component(
    kind: "state" | "bindings" | "secretstores",
    name: string,
    operation: string,
    isSuccess: boolean,
    ms: number,
  ) {
    tables[kind].add([name, namespace, operation, `${isSuccess}`], ms);
  },
  inputBinding(name: string, isSuccess: boolean, ms: number) {
    tables.inputBindings.add([name, namespace, `${isSuccess}`], ms);
  },
  componentLoaded(type: string) {
    tables.loaded.add(none);
    tables.initialized.add([type]);
  },
  componentFailed(type: string, name: string, reason: "creation" | "init") {
    tables.initFailed.add([type, name, reason]);
  },
});

/** Callers choose topics. */
function countPubSub(tables: Tables, namespace: string, rewrites: Rewrites) {
  const topics = new Bounded("other", rewritesOf(rewrites, "topic"));
  return {
    published(
      name: string,
      topic: string,
      isBulk: boolean,
      isSuccess: boolean,
      ms: number,
    ) {
      const table = isBulk ? tables.publishedBulks : tables.published;
      table.add([name, namespace, `${isSuccess}`, topics.fold(topic)], ms);
    },
    /** A try to deliver an event, or an event that is not delivered. */
    received(
      name: string,
      topic: string,
      outcome: EventResult,
      status: EventResult,
      ms: number,
    ) {
      tables.received.add(
        [name, namespace, outcome, status, topics.fold(topic)],
        ms,
      );
    },
    /** A try to deliver several, and what came of each. */
    receivedBulk(
      name: string,
      topic: string,
      counts: Readonly<Record<EventResult, number>>,
      ms: number,
    ) {
      const named = topics.fold(topic);
      tables.receivedBulks.add([name, namespace, named], ms);
      for (const [outcome, count] of Object.entries(counts))
        for (let i = 0; i < count; i++)
          tables.receivedBulkEvents.add([name, namespace, outcome, named]);
    },
  };
}

/** Calls between sidecars. */
function countCalls(tables: Tables, rewrites: Rewrites) {
  const apps = new Bounded(
    "other",
    rewritesOf(rewrites, "dst_app_id", "src_app_id"),
  );
  const app = (id: string) => apps.fold(id);
  return {
    callSent(to: string, type: CallType) {
      tables.callsSent.add([app(to), type]);
    },
    callAnswered(from: string, status: number, type: CallType, ms: number) {
      tables.callsAnswered.add([app(from), `${status}`, type]);
      tables.callTimes.add([app(from), `${status}`], ms);
    },
    callReceived(from: string) {
      tables.callsReceived.add([app(from)]);
    },
    callResponded(to: string, status: number) {
      tables.callsResponded.add([app(to), `${status}`]);
    },
  };
}

const breakerStates = ["closed", "half-open", "open", "unknown"];

/** What the policies of Resiliency resources do. */
function countResiliency(tables: Tables, rewrites: Rewrites) {
  const targets = new Bounded("other", rewritesOf(rewrites, "target"));
  return {
    resiliencyLoaded(name: string, namespace: string) {
      tables.resiliencyLoaded.add([name, namespace]);
    },
    /** `target`: `app_orders`, `Statestore_store`; `status`: of a circuit breaker, else empty. */
    resiliency(
      { name, namespace }: { name: string; namespace: string },
      direction: "inbound" | "outbound",
      target: string,
    ) {
      const about = targets.fold(target);
      const labels = (policy: string, status: string) => [
        direction,
        name,
        namespace,
        policy,
        status,
        about,
      ];
      const { resiliencyCalls: calls, resiliencyActivations: activations } =
        tables;
      return {
        called(policy: {
          timeoutMs: number;
          retry: unknown;
          breaker: { state(): string } | undefined;
        }) {
          if (policy.timeoutMs > 0) calls.add(labels("timeout", ""));
          if (policy.retry) calls.add(labels("retry", ""));
          if (!policy.breaker) return;
          const now = policy.breaker.state();
          calls.add(labels("circuitbreaker", now));
          for (const state of breakerStates)
            tables.breakerStates.set(
              labels("circuitbreaker", state),
              state === now ? 1 : 0,
            );
        },
        timedOut: () => activations.add(labels("timeout", "")),
        retried: () => activations.add(labels("retry", "")),
        changed: (state: string) =>
          activations.add(labels("circuitbreaker", state)),
      };
    },
  };
}
