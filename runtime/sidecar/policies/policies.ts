/**
 * The one place where something happens around the calls that blocks make: metrics, and around each
 * single call what Resiliency resources say of its target. Without either a call costs a look more.
 */
import type { ObserveBulk } from "../../blocks/pubsub/bulk.ts";
import type { ObserveEvent } from "../../blocks/pubsub/deliver.ts";
import { withoutPrefix } from "../../blocks/pubsub/named-pubsub.ts";
import type { OnGrpcCall } from "../../contracts/call.ts";
import type { Binding } from "../../contracts/binding.ts";
import type { Forward, Peers } from "../../contracts/invocation.ts";
import type { InvocationPolicies } from "../../contracts/invocation-policies.ts";
import type { PubSub } from "../../contracts/pubsub.ts";
import type { Run } from "../../contracts/run.ts";
import type { SecretStore } from "../../contracts/secret-store.ts";
import type { StateStore } from "../../contracts/state-store.ts";
import type { Watch } from "../../contracts/watch.ts";
import type { Metrics } from "../../observability/metrics/metrics.ts";
import { aroundApp, type OpenChannel } from "./app.ts";
import { aroundCalls } from "./around.ts";
import {
  aroundBinding,
  aroundDeliveries,
  aroundSecretStore,
  aroundStateStore,
} from "./components.ts";
import { inboundRun } from "./inbound.ts";
import { createInvocationPolicies } from "./invocations.ts";
import { aroundPeers, aroundReceived } from "./peers.ts";
import { aroundPubSub } from "./pubsub.ts";
import type { ComponentType, Resiliencies } from "./resiliencies.ts";

/** Each gives what it got, with its policies around; `name` is a component's. */
export interface Policies {
  state(name: string, store: StateStore): StateStore;
  binding(name: string, binding: Binding): Binding;
  /** `namespacePrefix`: before each of its topics. */
  pubsub(name: string, pubsub: PubSub, namespacePrefix: string): PubSub;
  secretStore(name: string, store: SecretStore): SecretStore;
  /** Told of events on their way from a component to the app. */
  onEvent: ObserveEvent;
  onBulk: ObserveBulk;
  /** What goes around each delivery from a component to the app. */
  inbound(kind: "bindings" | "pubsub", name: string): Run;
  /** What goes around calls of other apps. */
  invocation: InvocationPolicies;
  app: Record<"http" | "grpc", (channel: OpenChannel) => OpenChannel>;
  peers(peers: Peers): Peers;
  received(receive: Forward): Forward;
  /** Told of calls between sidecars, and of an app, that go by gRPC. */
  onGrpcSent: OnGrpcCall | undefined;
  onGrpcServed: OnGrpcCall | undefined;
  /** Of another sidecar's app, passed on to this one. */
  onGrpcPassedToApp: OnGrpcCall | undefined;
}

export interface PoliciesOptions {
  metrics: Metrics | undefined;
  watch: Watch | undefined;
  resiliencies: Resiliencies;
  /** A body of a call up to this is kept, so that it can be sent again. */
  keptBytes: number;
}

const nobody = () => {};

const types = {
  state: "Statestore",
  bindings: "Binding",
  secretstores: "Secretstore",
  pubsub: "Pubsub",
} as const satisfies Record<string, ComponentType>;

export function createPolicies({
  metrics,
  watch,
  resiliencies,
  keptBytes,
}: PoliciesOptions): Policies {
  const outbound = (
    kind: "state" | "bindings" | "secretstores",
    name: string,
  ) =>
    aroundCalls(
      metrics &&
        ((operation, isSuccess, ms) =>
          metrics.component(kind, name, operation, isSuccess, ms)),
      resiliencies.component(name, types[kind], "outbound"),
    );
  return {
    state: (name, store) => aroundStateStore(store, outbound("state", name)),
    binding: (name, binding) =>
      aroundBinding(
        binding,
        outbound("bindings", name),
        aroundDeliveries(
          metrics &&
            ((isSuccess, ms) => metrics.inputBinding(name, isSuccess, ms)),
        ),
      ),
    pubsub: (name, pubsub, namespacePrefix) =>
      aroundPubSub(
        pubsub,
        metrics &&
          ((topic, isBulk, isSuccess, ms) =>
            metrics.published(
              name,
              withoutPrefix(topic, namespacePrefix),
              isBulk,
              isSuccess,
              ms,
            )),
        resiliencies.component(name, types.pubsub, "outbound"),
      ),
    secretStore: (name, store) =>
      aroundSecretStore(store, outbound("secretstores", name)),
    inbound: (kind, name) =>
      inboundRun(resiliencies.component(name, types[kind], "inbound")),
    onEvent: metrics?.received ?? nobody,
    onBulk: metrics?.receivedBulk ?? nobody,
    invocation: createInvocationPolicies({ resiliencies, keptBytes }),
    app: {
      http: (channel) =>
        metrics || watch
          ? aroundApp(channel, metrics?.httpClient ?? nobody, watch)
          : channel,
      // Its client counts ({@link onGrpcSent}): it knows method and code.
      grpc: (channel) => (watch ? aroundApp(channel, nobody, watch) : channel),
    },
    peers: (peers) => (metrics ? aroundPeers(peers, metrics) : peers),
    received: (receive) =>
      metrics ? aroundReceived(receive, metrics) : receive,
    onGrpcSent: metrics?.grpcClient,
    onGrpcServed: metrics?.grpcServer,
    onGrpcPassedToApp: metrics?.grpcPassedToApp,
  };
}
