/**
 * Resources of a Kubernetes cluster, from the control plane's operator. It waits
 * for what is late and reports changes (docs/decisions/kubernetes.md).
 */
import { existsSync } from "node:fs";
import {
  defaultConfiguration,
  type Configuration,
} from "../../contracts/configuration.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Resiliency } from "../../contracts/resiliency.ts";
import type { Subscription } from "../../contracts/subscription.ts";
import type { HttpEndpoint } from "../../contracts/invocation.ts";
import type { Logger } from "../../shared/log.ts";
import { watchOutage } from "../../shared/outage.ts";
import type { SecretSource } from "../secret-refs.ts";
import { selectComponents, type LoadedComponent } from "../kinds/component.ts";
import { readConfiguration } from "../kinds/configuration.ts";
import { readResiliency } from "../kinds/resiliency.ts";
import { isForApp, readEndpoint } from "../kinds/http-endpoint.ts";
import { selectSubscriptions } from "../kinds/subscription.ts";
import { toldOnce } from "../told-once.ts";
import { valueOfJson } from "../values/json-value.ts";
import { connectOperator } from "./client.ts";
import { watchObjects, type ClusterObject, type WatchedKind } from "./watch.ts";
import type { ResourceChanges, ResourceSource } from "../source.ts";
import { member } from "../values/yaml.ts";

export interface OperatorSourceOptions {
  appId: string;
  /** `--control-plane-address`. */
  address: string;
  /** `--config`: name of the Configuration; undefined = none. */
  configurationName: string | undefined;
  /** `--disable-builtin-k8s-secret-store`: without it there is always a secret store `kubernetes`. */
  withoutBuiltInStore: boolean;
  /** `NAMESPACE`, `DAPR_TRUST_ANCHORS`, and what `envRef`s name. */
  env: Record<string, string | undefined>;
  log: Logger;
  /** Aborts when the start is called off; then all that waits rejects. */
  signal: AbortSignal;
}

const accountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const usualTokenFile = "/var/run/secrets/dapr.io/sentrytoken/token";
/** The store of resources that name none; the operator resolves its secrets. */
const resolvedStore = "kubernetes";

/** Throws if a setting that the injector gives is missing. */
export function openOperatorSource(
  options: OperatorSourceOptions,
): ResourceSource {
  const { address, configurationName, env, log, signal } = options;
  const client = connectOperator({
    address: given("--control-plane-address", address),
    trustAnchors: given("DAPR_TRUST_ANCHORS", env["DAPR_TRUST_ANCHORS"]),
    namespace: given("NAMESPACE", env["NAMESPACE"]),
    tokenFile: env["DAPR_SENTRY_TOKEN_FILE"] || usualTokenFile,
  });
  const ended = new AbortController();
  const calledOff = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () =>
      reject(new Error("it was to end while it waited for the operator")),
    ),
  );
  calledOff.catch(() => {}); // nobody may be waiting
  const outage = watchOutage(
    {
      found: (reason) =>
        log.warn(
          `the operator at ${address} can't be reached: ${reason}; trying until it can${changes ? "; what is loaded stays" : ""}`,
        ),
      over: () => log.info(`the operator at ${address} is reached`),
    },
    { isNews: (reason, told) => reason !== told },
  );
  let changes: ResourceChanges | undefined;
  let denied: readonly string[] = [];
  let secrets: SecretSource | undefined;

  const components = latest();
  const endpoints = latest();
  const subscriptions = latest();
  const configurations = latest();
  const resiliencies = latest();
  const configuration = awaitConfiguration();
  const kinds: WatchedKind[] = [
    {
      updates: "ComponentUpdate",
      list: () => client.list("ListComponents"),
      onObjects(objects) {
        components.set(objects);
        void changes?.components(readComponents(objects));
      },
    },
    {
      updates: "HTTPEndpointUpdate",
      list: () => client.list("ListHTTPEndpoints"),
      onObjects(objects) {
        endpoints.set(objects);
        tellEndpoints(objects);
      },
    },
    {
      updates: "ResiliencyUpdate",
      list: () => client.list("ListResiliency"),
      onObjects(objects) {
        resiliencies.set(objects);
        tellResiliencies(objects);
      },
    },
    {
      updates: "SubscriptionUpdate",
      list: () => client.list("ListSubscriptionsV2"),
      onObjects(objects) {
        subscriptions.set(objects);
        tellSubscriptions(objects);
      },
    },
  ];
  if (configurationName)
    kinds.push({
      updates: "ConfigurationUpdate",
      async list() {
        const item = await client.get("GetConfiguration", configurationName);
        return item ? [item] : [];
      },
      onObjects(objects) {
        configurations.set(objects);
        configuration.onObjects(objects);
      },
    });
  const watching = watchObjects({
    client,
    kinds,
    onFailure: (reason) => outage.found(reason),
    onListed: () => outage.over(),
    signal: ended.signal,
  });

  // A pod without a service account could read no Secret.
  const hasBuiltInStore =
    !options.withoutBuiltInStore && existsSync(accountToken);
  const componentLog = toldOnce(log);
  const resiliencyLog = toldOnce(log);
  function readComponents(objects: readonly ClusterObject[]) {
    componentLog.pass();
    const found = selectComponents(
      objects.map((object) => valueOfJson(object, nameIt("component", object))),
      { ...options, denied, resolvedStore, log: componentLog },
    );
    if (hasBuiltInStore && !found.some(({ name }) => name === resolvedStore))
      found.unshift(builtInStore());
    return found;
  }

  const known = new Map<string, { content: string; endpoint: HttpEndpoint }>();
  /** An endpoint that has become wrong stays as it was. */
  async function readEndpoints(objects: readonly ClusterObject[]) {
    const read = new Map<string, HttpEndpoint>();
    for (const object of objects) {
      const document = valueOfJson(object, nameIt("HTTPEndpoint", object));
      if (!isForApp(document, { ...options, secrets: secrets! })) continue;
      const name = object.metadata?.name ?? "";
      const content = JSON.stringify({ ...object, metadata: undefined });
      let endpoint = known.get(name)?.endpoint;
      if (known.get(name)?.content !== content)
        try {
          endpoint = await readEndpoint(document, {
            ...options,
            secrets: secrets!,
            resolvedStore,
          });
          known.set(name, { content, endpoint });
        } catch (error) {
          log.error(
            `${messageOf(error)}; ${endpoint ? "as it was before the change it goes on" : "it waits until that is right"}`,
          );
        }
      if (endpoint) read.set(name, endpoint);
    }
    return read;
  }

  const calm = new Map<string, Resiliency | undefined>();
  /** One that has become wrong stays as it was. */
  async function readResiliencies(objects: readonly ClusterObject[]) {
    resiliencyLog.pass();
    const names = new Set(objects.map((one) => nameIt("Resiliency", one)));
    for (const name of calm.keys()) if (!names.has(name)) calm.delete(name);
    const read: Resiliency[] = [];
    for (const object of objects) {
      const name = nameIt("Resiliency", object);
      try {
        const document = valueOfJson(object, name);
        const reading = { ...options, log: resiliencyLog };
        calm.set(name, await readResiliency(document, reading));
      } catch (error) {
        resiliencyLog.error(
          `${messageOf(error)}; ${calm.has(name) ? "as it was before the change it goes on" : "it waits until that is right"}`,
        );
      }
      const now = calm.get(name);
      if (now) read.push(now);
    }
    return read;
  }

  let reading = Promise.resolve();
  /** One list after the other. */
  function tellResiliencies(objects: readonly ClusterObject[]) {
    if (!changes) return;
    reading = reading.then(async () => {
      const read = await readResiliencies(objects);
      changes?.resiliencies(read);
    });
  }

  const subscriptionLog = toldOnce(log);
  let read = new Map<string, Subscription[]>();
  /** One that has become malformed is told, and stays as it was. */
  function readSubscriptions(objects: readonly ClusterObject[]) {
    subscriptionLog.pass();
    const now: typeof read = new Map();
    for (const object of objects) {
      const name = nameIt("subscription", object);
      let isMalformed = false;
      const found = selectSubscriptions([valueOfJson(object, name)], {
        ...options,
        log: subscriptionLog,
        onMalformed: () => (isMalformed = true),
      });
      now.set(name, isMalformed ? (read.get(name) ?? []) : found);
    }
    read = now;
    return [...read.values()].flat();
  }

  function tellSubscriptions(objects: readonly ClusterObject[]) {
    changes?.subscriptions(readSubscriptions(objects));
  }

  let telling = Promise.resolve();
  /** Handles one list after the other, as a secret store may need time for an earlier one. */
  function tellEndpoints(objects: readonly ClusterObject[]) {
    if (!changes) return;
    telling = telling.then(async () => {
      const read = await readEndpoints(objects);
      changes?.httpEndpoints(read);
    });
  }

  /** Waits for the Configuration until it exists and is right, and watches it afterwards. */
  function awaitConfiguration() {
    const found = Promise.withResolvers<Configuration>();
    const name = `Configuration ${env["NAMESPACE"]}/${configurationName}`;
    let inUse: string | undefined;
    let said: string | undefined;
    const tell = (problem: string, before: string, after: string) => {
      const line = `${name} ${problem}; ${inUse === undefined ? before : after}`;
      if (line !== said) log.error(line);
      said = line;
    };
    return {
      found: found.promise,
      onObjects([object]: ClusterObject[]) {
        if (!object)
          return tell(
            "does not exist",
            "the start waits for it to be created",
            "the sidecar goes on as it said",
          );
        const content = JSON.stringify(object.spec);
        if (content === inUse) {
          said = undefined;
          return;
        }
        let read;
        try {
          const spec = member(valueOfJson(object, name), "spec");
          read = spec ? readConfiguration(spec, log) : defaultConfiguration;
        } catch (error) {
          return tell(
            `is wrong: ${messageOf(error)}`,
            "the start waits for it to be changed",
            "the sidecar goes on as it said before",
          );
        }
        said = undefined;
        if (inUse !== undefined) changes?.configuration(`${name} has changed`);
        else {
          inUse = content;
          denied = read.deniedComponents;
          found.resolve(read);
        }
      },
    };
  }

  return {
    isPatient: true,
    configuration: () =>
      configurationName
        ? Promise.race([configuration.found, calledOff])
        : Promise.resolve(defaultConfiguration),
    components: async () =>
      readComponents(await Promise.race([components.first, calledOff])),
    resiliencies: async () =>
      readResiliencies(await Promise.race([resiliencies.first, calledOff])),
    async httpEndpoints(from) {
      secrets = from;
      return readEndpoints(await Promise.race([endpoints.first, calledOff]));
    },
    subscriptions: async () =>
      readSubscriptions(await Promise.race([subscriptions.first, calledOff])),
    follow(to) {
      changes = to;
      // Reports what has come since they were asked for.
      changes.components(readComponents(components.value()));
      tellEndpoints(endpoints.value());
      tellResiliencies(resiliencies.value());
      tellSubscriptions(subscriptions.value());
      if (configurationName) configuration.onObjects(configurations.value());
    },
    unfollow() {
      changes = undefined;
    },
    async close() {
      ended.abort();
      await watching;
      client.close();
    },
  };
}

/** Keeps the latest list; `first` resolves with the first one. */
function latest() {
  const first = Promise.withResolvers<ClusterObject[]>();
  let value: ClusterObject[] = [];
  return {
    first: first.promise,
    value: () => value,
    set(objects: ClusterObject[]) {
      value = objects;
      first.resolve(objects);
    },
  };
}

const builtInStore = (): LoadedComponent => ({
  name: resolvedStore,
  namespace: "",
  type: "secretstores.kubernetes",
  version: "v1",
  metadata: [],
  secretRefs: [],
  ignoreErrors: true,
  initTimeoutMs: 5000,
  scopes: [],
});

const nameIt = (kind: string, { metadata }: ClusterObject) =>
  `${kind} ${metadata?.name ?? ""}`;

function given(name: string, value: string | undefined): string {
  if (value) return value;
  throw new Error(
    `${name} is missing: in kubernetes mode a sidecar is started by the injector, which gives it`,
  );
}
