/**
 * The kinds of components: each has its list of types, its block, and that block's
 * routes and methods. A new kind is an entry here and a list in components/index.ts.
 */
import type { Methods } from "../api/grpc/method.ts";
import { bindingRoutes } from "../api/http/bindings.ts";
import { publishRoutes } from "../api/http/pubsub.ts";
import type { Route } from "../api/http/request.ts";
import { secretRoutes } from "../api/http/secrets.ts";
import { stateRoutes } from "../api/http/state.ts";
import { createBindings, type Bindings } from "../blocks/bindings/bindings.ts";
import { createPubSubs, type PubSubs } from "../blocks/pubsub/pubsub.ts";
import {
  createSubscriptions,
  type Subscriptions,
} from "../blocks/pubsub/subscriptions.ts";
import { createSecrets, type Secrets } from "../blocks/secrets/secrets.ts";
import { createStates, type States } from "../blocks/state/state.ts";
import { directionsOf } from "../components/check.ts";
import { known } from "../components/known.ts";
import type { AppChannel } from "../contracts/app-channel.ts";
import type { Binding } from "../contracts/binding.ts";
import type { Closable } from "../contracts/component.ts";
import type { SecretScope } from "../contracts/configuration.ts";
import type { PubSub } from "../contracts/pubsub.ts";
import type { SecretStore } from "../contracts/secret-store.ts";
import type { Watch } from "../contracts/watch.ts";
import type { StateStore } from "../contracts/state-store.ts";
import type { LoadedComponent } from "../resources/kinds/component.ts";
import type { Logger } from "../shared/log.ts";
import { givenNamespace, ownNamespace } from "../shared/namespace.ts";
import type { Category } from "./open-loaded.ts";
import type { SidecarOptions } from "./options.ts";
import type { Policies } from "./policies/policies.ts";

/** What is done with the components of a kind, and how they are asked. */
export interface Kind<C extends Closable = Closable> extends Category<C> {
  routes: Route[];
  /** The same over gRPC; loaded when somebody calls. */
  methods(): Promise<Methods>;
}

export interface KindsOptions {
  app: AppChannel | undefined;
  secretScopes: SecretScope[];
  policies: Policies;
  watch: Watch | undefined;
  /** Why a component is not here though its type is the original's. */
  absence(name: string): string | undefined;
}

export interface Kinds {
  /** By the part of a type before its first dot. */
  byPrefix: Record<string, Kind>;
  routes: Route[];
  methods(): Promise<Methods>;
  states: States;
  bindings: Bindings;
  pubsubs: PubSubs;
  subscriptions: Subscriptions;
  secrets: Secrets;
}

export function createKinds(
  { flags, env, log }: SidecarOptions,
  { app, secretScopes, policies, watch, absence }: KindsOptions,
): Kinds {
  const secrets = createSecrets({ scopes: secretScopes, absence });
  const states = createStates({
    appId: flags["app-id"],
    namespace: givenNamespace(env),
    log,
    absence,
  });
  const bindings = createBindings({
    log,
    app,
    inbound: (name) => policies.inbound("bindings", name),
    absence,
    probeTimeoutMs: flags["app-binding-options-timeout"] ?? 3000,
  });
  const pubsubs = createPubSubs({
    appId: flags["app-id"],
    namespace: ownNamespace(env),
    log,
    absence,
  });
  const subscriptions = createSubscriptions({
    appId: flags["app-id"],
    pubsubs,
    app,
    asksApp: !flags["disable-init-endpoints"]
      .split(",")
      .some((name) => name.trim() === "subscribe"),
    inbound: (name) => policies.inbound("pubsub", name),
    onEvent: policies.onEvent,
    onBulk: policies.onBulk,
    watch,
    log,
  });
  const all = {
    secretstores: secretKind(secrets, policies),
    state: stateKind(states, policies),
    bindings: bindingKind(bindings, policies),
    pubsub: pubsubKind(pubsubs, subscriptions, policies, log),
  };
  // A list and what is done with its entries go together; past here a component is a component.
  const byPrefix = all as unknown as Record<string, Kind>;
  const kinds = Object.values(all);
  const routes = kinds.flatMap((kind) => kind.routes);
  return {
    byPrefix,
    routes,
    async methods() {
      const each = await Promise.all(kinds.map((kind) => kind.methods()));
      return Object.assign({}, ...each) as Methods;
    },
    states,
    bindings,
    pubsubs,
    subscriptions,
    secrets,
  };
}

/** All that is read for the app. */
export function allInputs({ bindings, subscriptions }: Kinds) {
  const all = [bindings, subscriptions];
  return {
    async startReading() {
      await Promise.all(all.map((one) => one.startReading()));
    },
    async stopReading() {
      await Promise.all(all.map((one) => one.stopReading()));
    },
    /** For good; streams stop as well. */
    async end() {
      await Promise.all([bindings.stopReading(), subscriptions.end()]);
    },
  };
}

const secretKind = (
  secrets: Secrets,
  policies: Policies,
): Kind<SecretStore> => ({
  known: known.secretstores,
  routes: secretRoutes(secrets),
  async methods() {
    const { secretMethods } = await import("../api/grpc/secrets.ts");
    return secretMethods(secrets);
  },
  around: (store, { name }) => policies.secretStore(name, store),
  add(store, { name }, explain) {
    secrets.add(name, store, explain);
    return [...store.features];
  },
  async remove(store, { name }) {
    secrets.remove(name, store);
  },
});

const stateKind = (states: States, policies: Policies): Kind<StateStore> => ({
  known: known.state,
  routes: stateRoutes(states),
  async methods() {
    const { stateMethods } = await import("../api/grpc/state.ts");
    return stateMethods(states);
  },
  around: (store, { name }) => policies.state(name, store),
  add(store, { name, metadata }, explain) {
    states.add(name, store, metadata, explain);
    return capabilitiesOf(store);
  },
  async remove(store, { name }) {
    states.remove(name, store);
  },
});

const bindingKind = (
  bindings: Bindings,
  policies: Policies,
): Kind<Binding> => ({
  known: known.bindings,
  routes: bindingRoutes(bindings),
  async methods() {
    const { bindingMethods } = await import("../api/grpc/bindings.ts");
    return bindingMethods(bindings);
  },
  around: (binding, { name }) => policies.binding(name, binding),
  add(binding, resource, explain) {
    const named = { ...withRoute(resource), binding, explain };
    bindings.add(named);
    return bindings.capabilities(named);
  },
  remove: (binding, { name }) => bindings.remove(name, binding),
});

const pubsubKind = (
  pubsubs: PubSubs,
  subscriptions: Subscriptions,
  policies: Policies,
  log: Logger,
): Kind<PubSub> => ({
  known: known.pubsub,
  routes: publishRoutes(pubsubs),
  async methods() {
    const [{ publishMethods }, { subscribeMethods }] = await Promise.all([
      import("../api/grpc/pubsub.ts"),
      import("../api/grpc/subscribe.ts"),
    ]);
    return {
      ...publishMethods(pubsubs),
      ...subscribeMethods(subscriptions, log),
    };
  },
  around: (pubsub, { name, metadata }) =>
    policies.pubsub(name, pubsub, pubsubs.namespacePrefix(metadata)),
  add(pubsub, { name, metadata }, explain) {
    pubsubs.add(name, pubsub, metadata, explain);
    return [...pubsub.features];
  },
  remove: (pubsub, { name }) => pubsubs.remove(name, pubsub),
});

function withRoute(resource: LoadedComponent) {
  const { name, metadata } = resource;
  const route = metadata.find((item) => item.name === "route");
  return {
    name,
    route: route?.value || name,
    directions: directionsOf(resource),
  };
}

/** Features as `/v1.0/metadata` lists them; both of these make a store fit for actors. */
const capabilitiesOf = ({ features }: StateStore): string[] => [
  ...features,
  ...(features.includes("ETAG") && features.includes("TRANSACTIONAL")
    ? ["ACTOR"]
    : []),
];
