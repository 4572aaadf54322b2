/**
 * The one place where something happens around the calls that blocks make. Without
 * metrics, the first and so far only thing that happens, all parts stay as they are.
 */
import type { ObserveBulk } from "../../blocks/pubsub/bulk.ts";
import type { ObserveEvent } from "../../blocks/pubsub/deliver.ts";
import type { OnGrpcCall } from "../../contracts/call.ts";
import type { Binding } from "../../contracts/binding.ts";
import type { Forward, Peers } from "../../contracts/invocation.ts";
import type { PubSub } from "../../contracts/pubsub.ts";
import { justRun, type Run } from "../../contracts/run.ts";
import type { SecretStore } from "../../contracts/secret-store.ts";
import type { StateStore } from "../../contracts/state-store.ts";
import type { Metrics } from "../../observability/metrics/metrics.ts";
import { aroundApp, type OpenChannel } from "./app.ts";
import { aroundCalls } from "./around.ts";
import {
  aroundBinding,
  aroundDeliveries,
  aroundSecretStore,
  aroundStateStore,
} from "./components.ts";
import { aroundPubSub } from "./pubsub.ts";
import { aroundPeers, aroundReceived } from "./peers.ts";

/** Each gives what it got, with its policies around; `name` is a component's. */
export interface Policies {
  state(name: string, store: StateStore): StateStore;
  binding(name: string, binding: Binding): Binding;
  pubsub(name: string, pubsub: PubSub): PubSub;
  secretStore(name: string, store: SecretStore): SecretStore;
  /** Told of events on their way from a component to the app. */
  onEvent: ObserveEvent;
  onBulk: ObserveBulk;
  /** What goes around each delivery from a component to the app. */
  inbound(kind: "bindings" | "pubsub", name: string): Run;
  app(channel: OpenChannel): OpenChannel;
  peers(peers: Peers): Peers;
  received(receive: Forward): Forward;
  /** Told of calls between sidecars that go by gRPC. */
  onGrpcSent: OnGrpcCall | undefined;
  onGrpcServed: OnGrpcCall | undefined;
}

const same = <T>(part: T): T => part;
const sameComponent = <T>(_: string, component: T): T => component;

export const noPolicies: Policies = {
  state: sameComponent,
  binding: sameComponent,
  pubsub: sameComponent,
  secretStore: sameComponent,
  onEvent: () => {},
  onBulk: () => {},
  inbound: () => justRun,
  app: same,
  peers: same,
  received: same,
  onGrpcSent: undefined,
  onGrpcServed: undefined,
};

export function createPolicies(metrics: Metrics): Policies {
  const component = (
    kind: "state" | "bindings" | "secretstores",
    name: string,
  ) =>
    aroundCalls((operation, isSuccess, ms) =>
      metrics.component(kind, name, operation, isSuccess, ms),
    );
  return {
    state: (name, store) => aroundStateStore(store, component("state", name)),
    binding: (name, binding) =>
      aroundBinding(
        binding,
        component("bindings", name),
        aroundDeliveries((isSuccess, ms) =>
          metrics.inputBinding(name, isSuccess, ms),
        ),
      ),
    pubsub: (name, pubsub) =>
      aroundPubSub(pubsub, (topic, isBulk, isSuccess, ms) =>
        metrics.published(name, topic, isBulk, isSuccess, ms),
      ),
    secretStore: (name, store) =>
      aroundSecretStore(store, component("secretstores", name)),
    onEvent: metrics.received,
    onBulk: metrics.receivedBulk,
    inbound: () => justRun,
    app: (channel) => aroundApp(channel, metrics.httpClient),
    peers: (peers) => aroundPeers(peers, metrics),
    received: (receive) => aroundReceived(receive, metrics),
    onGrpcSent: metrics.grpcClient,
    onGrpcServed: metrics.grpcServer,
  };
}
