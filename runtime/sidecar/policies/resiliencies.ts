/**
 * All Resiliency resources of a sidecar as one: which policies are around the calls of a target
 * (docs/protocol/resiliency.md). They may be replaced while calls go on, which end with what they began with.
 */
import type {
  BreakerPolicy,
  PolicyName,
  PolicyNames,
  Resiliency,
  RetryPolicy,
} from "../../contracts/resiliency.ts";
import type { Metrics } from "../../observability/metrics/metrics.ts";
import type { Logger } from "../../shared/log.ts";
import { nearestName, short } from "../../shared/nearest-name.ts";
import { where } from "../../shared/position.ts";
import { createBreaker, type Breaker } from "./breaker.ts";
import { builtInRetries, withBuiltIns } from "./built-in.ts";
import { appLevels, componentLevels, findDefaults } from "./defaults.ts";
import type { Policy } from "./runner.ts";

export type Direction = "inbound" | "outbound";

/** As the names of default policies and the metrics call the kinds of components. */
export type ComponentType = "Statestore" | "Binding" | "Secretstore" | "Pubsub";

export type Resiliencies = ReturnType<typeof createResiliencies>;

export interface ResilienciesOptions {
  log: Logger;
  metrics: Metrics | undefined;
}

export function createResiliencies({ log, metrics }: ResilienciesOptions) {
  let set: PolicySet | undefined;
  let written = "";
  let retries = builtInRetries;

  return {
    /** Makes these the ones that count. The same once more change nothing: circuit breakers stay as they are. */
    replace(all: readonly Resiliency[]): void {
      const text = JSON.stringify(all, plain);
      if (text === written || (all.length === 0 && !set)) return;
      written = text;
      for (const { name, namespace } of all) {
        log.info(`Loading Resiliency configuration: ${name}`);
        metrics?.resiliencyLoaded(name, namespace);
      }
      if (all.length === 0) log.info("There is no Resiliency any more");
      retries = withBuiltIns(all, log);
      set =
        all.length === 0
          ? undefined
          : createSet(all, retries, { log, metrics });
    },

    isEmpty: () => set === undefined,

    /** Asked before each call: undefined if nothing is around it. */
    component(
      name: string,
      type: ComponentType,
      direction: Direction,
    ): () => Policy | undefined {
      let from: PolicySet | undefined;
      let policy: Policy | undefined;
      return () => {
        if (set !== from) {
          from = set;
          policy = set?.component(name, type, direction);
        }
        return policy;
      };
    },

    /** `target` as the caller wrote it; `keys` are its names among the targets, the first one that is there counts. */
    app: (
      target: string,
      keys: readonly string[],
      endpoint: string,
    ): Policy | undefined => set?.app(target, keys, endpoint),

    /** The retries of calls between sidecars; none where a target says what is to be done. */
    serviceRetries: (keys: readonly string[]): RetryPolicy | undefined =>
      keys.some((key) => set?.isApp(key))
        ? undefined
        : retries.get("DaprBuiltInServiceRetries"),
  };
}

/** Without places, and maps as lists. */
const plain = (key: string, value: unknown): unknown =>
  key === "at" ? undefined : value instanceof Map ? [...value] : value;

type PolicySet = ReturnType<typeof createSet>;

/** A policy, and the resource that has it. */
interface Owned<T> {
  value: T;
  owner: Resiliency;
}

function createSet(
  all: readonly Resiliency[],
  builtIn: ReadonlyMap<string, RetryPolicy>,
  { log, metrics }: ResilienciesOptions,
) {
  const timeouts = merged(all, "timeouts", log);
  const retries = merged(all, "retries", log);
  const circuitBreakers = merged(all, "circuitBreakers", log);
  const apps = merged(all, "apps", log);
  const components = merged(all, "components", log);
  const last = all.at(-1)!;
  for (const [name, value] of builtIn)
    retries.set(name, { value, owner: retries.get(name)?.owner ?? last });
  tellMissing(
    all,
    { timeout: timeouts, retry: retries, circuitBreaker: circuitBreakers },
    log,
  );

  const componentBreakers = new Map<string, Breaker>();
  /** By target, then by endpoint. */
  const appBreakers = new Map<string, Map<string, Breaker>>();

  const newBreaker = (name: string, policy: BreakerPolicy) =>
    createBreaker({
      policy,
      onChange(from, to) {
        log.info(
          `Circuit breaker "${name}" changed state from ${from} to ${to}`,
        );
      },
    });

  function componentBreaker(name: string, given: PolicyName | undefined) {
    const policy = given && circuitBreakers.get(given.name)?.value;
    if (!policy) return undefined;
    const key = `${given.name}-${name}`;
    let breaker = componentBreakers.get(key);
    if (!breaker)
      componentBreakers.set(key, (breaker = newBreaker(key, policy)));
    return breaker;
  }

  function appBreaker(
    target: string,
    endpoint: string,
    given: PolicyName | undefined,
    most: number,
  ) {
    const policy = given && circuitBreakers.get(given.name)?.value;
    if (!policy) return undefined;
    const kept = lately(appBreakers, target, mostTargets, () => new Map());
    return lately(kept, endpoint, most, () => newBreaker(endpoint, policy));
  }

  /** Undefined if the names lead to no policy. */
  function policyOf(
    name: string,
    names: PolicyNames,
    breaker: Breaker | undefined,
    direction: Direction,
    label: string,
    owner = last,
  ): Policy | undefined {
    const timeoutMs = timeouts.get(names.timeout?.name ?? "")?.value ?? 0;
    const retry = retries.get(names.retry?.name ?? "")?.value;
    if (timeoutMs <= 0 && !retry && !breaker) return undefined;
    const policy: Policy = {
      name,
      timeoutMs,
      retry,
      breaker,
      count: metrics?.resiliency(owner, direction, label),
      log,
    };
    return policy;
  }

  const defaults = (levels: readonly string[]) =>
    findDefaults(levels, { timeouts, retries, circuitBreakers });

  return {
    isApp: (key: string) => apps.has(key),

    component(
      name: string,
      type: ComponentType,
      direction: Direction,
    ): Policy | undefined {
      const found = components.get(name);
      const names =
        found?.value[direction] ?? defaults(componentLevels(type, direction));
      return policyOf(
        `component[${name}] ${direction === "inbound" ? "input" : "output"}`,
        names,
        componentBreaker(name, names.circuitBreaker),
        direction,
        `${type}_${name}`,
        found?.owner,
      );
    },

    app(
      target: string,
      keys: readonly string[],
      endpoint: string,
    ): Policy | undefined {
      const key = keys.find((one) => apps.has(one));
      const found = key === undefined ? undefined : apps.get(key);
      const names = found?.value ?? defaults(appLevels);
      const breaker = appBreaker(
        key ?? target,
        endpoint,
        names.circuitBreaker,
        found?.value.circuitBreakerCacheSize ?? 100,
      );
      return policyOf(
        `endpoint[${target}, ${endpoint}]`,
        names,
        breaker,
        "outbound",
        `app_${target}`,
        found?.owner,
      );
    },
  };
}

type Kind = "timeouts" | "retries" | "circuitBreakers" | "apps" | "components";
type Entry<K extends Kind> =
  Resiliency[K] extends ReadonlyMap<string, infer V> ? V : never;

/** Any caller may name any app. */
const mostTargets = 1000;

/** Of more than `most`, the one that was not asked for longest goes. */
function lately<V>(
  kept: Map<string, V>,
  key: string,
  most: number,
  make: () => V,
): V {
  const value = kept.get(key) ?? make();
  kept.delete(key);
  kept.set(key, value);
  if (kept.size > most) kept.delete(kept.keys().next().value!);
  return value;
}

/** Later resources lie over earlier ones. */
function merged<K extends Kind>(
  all: readonly Resiliency[],
  kind: K,
  log: Logger,
): Map<string, Owned<Entry<K>>> {
  const into = new Map<string, Owned<Entry<K>>>();
  for (const owner of all)
    for (const [name, value] of owner[kind] as ReadonlyMap<string, Entry<K>>) {
      const before = into.get(name)?.owner;
      if (before)
        log.warn(
          `${kind} ${short(name)} is in both Resiliency "${before.name}" and "${owner.name}", of which the latter counts`,
        );
      into.set(name, { value, owner });
    }
  return into;
}

/** A target without a policy that it names would go unprotected in silence. */
function tellMissing(
  all: readonly Resiliency[],
  known: Record<keyof PolicyNames, ReadonlyMap<string, unknown>>,
  log: Logger,
): void {
  const look = (owner: Resiliency, names: PolicyNames) => {
    for (const kind of ["timeout", "retry", "circuitBreaker"] as const) {
      const given = names[kind];
      if (!given || known[kind].has(given.name)) continue;
      const near = nearestName(given.name, [...known[kind].keys()]);
      log.warn(
        `Resiliency "${owner.name}": there is no ${kind} policy ${short(given.name)}${near ? `; did you mean ${near}?` : "."} The target goes without it (${where(given.at)})`,
      );
    }
  };
  for (const one of all) {
    for (const names of one.apps.values()) look(one, names);
    for (const names of one.actors.values()) look(one, names);
    for (const { inbound, outbound } of one.components.values()) {
      look(one, inbound);
      look(one, outbound);
    }
  }
}
