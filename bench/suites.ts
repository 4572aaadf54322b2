/** A suite is one table of the report: a backend and its scenarios. */
import type { Backend, Broker, Bus, Store } from "./backends/backend.ts";
import type { Cluster } from "./backends/kubernetes.ts";
import type { Bench, Measurement, Scenario } from "./bench.ts";
import type { ScenarioName } from "./options.ts";
import { busLatency } from "./scenarios/bus-latency.ts";
import { coldOutput, coldOwnApp, coldSave } from "./scenarios/cold.ts";
import { deliver } from "./scenarios/deliver.ts";
import { directCalls, directOrders } from "./scenarios/direct.ts";
import { get } from "./scenarios/get.ts";
import { grpcBinding, grpcCalls, grpcState } from "./scenarios/grpc.ts";
import { input } from "./scenarios/input.ts";
import { latency } from "./scenarios/latency.ts";
import { output } from "./scenarios/output.ts";
import { ownApp } from "./scenarios/own-app.ts";
import { podStart } from "./scenarios/pod-start.ts";
import { publish } from "./scenarios/publish.ts";
import { save } from "./scenarios/save.ts";
import { startStore } from "./scenarios/start-store.ts";
import { start } from "./scenarios/start.ts";
import { stream } from "./scenarios/stream.ts";
import { twoSidecars } from "./scenarios/two-sidecars.ts";
import type { Target } from "./sidecar.ts";

export interface Suite {
  backend: Backend;
  scenarios: Partial<Record<ScenarioName, BoundScenario>>;
  /** Run once, short and uncounted, since the first run on a broker pays for the broker's cold code. */
  warmUp: BoundScenario[];
  /** True when only our sidecar supports the backend. */
  ownOnly: boolean;
}

export type BoundScenario = (
  bench: Bench,
  target: Target,
) => Promise<Measurement[]>;

export function brokerSuite(broker: Broker, ownOnly = false): Suite {
  const on = bind(broker);
  return {
    backend: broker,
    scenarios: {
      direct: directOrders,
      start: on(start),
      cold: on(coldOutput),
      output: on(output),
      input: on(input),
      latency: on(latency),
      grpc: on(grpcBinding),
    },
    warmUp: [on(start), on(output), on(latency)],
    ownOnly,
  };
}

export function busSuite(bus: Bus, ownOnly = false): Suite {
  const on = bind(bus);
  return {
    backend: bus,
    scenarios: {
      publish: on(publish),
      deliver: on(deliver),
      "bus-latency": on(busLatency),
    },
    warmUp: [on(publish), on(busLatency)],
    ownOnly,
  };
}

export function storeSuite(store: Store): Suite {
  const on = bind(store);
  return {
    backend: store,
    scenarios: {
      direct: directCalls,
      start: on(startStore),
      cold: on(coldSave),
      save: on(save),
      get: on(get),
      grpc: on(grpcState),
    },
    warmUp: [on(save), on(get)],
    ownOnly: false,
  };
}

/** Here nothing but the app is behind the sidecars. */
export function invokeSuite(): Suite {
  const nothing: Backend = {
    name: "invoke",
    pids: [],
    close: async () => {},
  };
  const on = bind(nothing);
  return {
    backend: nothing,
    scenarios: {
      direct: directCalls,
      cold: on(coldOwnApp),
      "own-app": on(ownApp),
      "two-sidecars": on(twoSidecars),
      stream: on(stream),
      grpc: on(grpcCalls),
    },
    warmUp: [on(ownApp)],
    ownOnly: false,
  };
}

/** The cluster's control plane is this kit's, and so is the sidecar. */
export function clusterSuite(cluster: Cluster): Suite {
  const on = bind(cluster);
  return {
    backend: cluster,
    scenarios: { "pod-start": on(podStart) },
    warmUp: [on(podStart)],
    ownOnly: true,
  };
}

const bind =
  <B extends Backend>(backend: B) =>
  (scenario: Scenario<B>): BoundScenario =>
  (bench, target) =>
    scenario(bench, target, backend);
