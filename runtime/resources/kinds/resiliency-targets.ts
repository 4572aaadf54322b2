/** `spec.targets` of a Resiliency: which policies are for which apps, actors and components. */
import type {
  ActorTarget,
  AppTarget,
  ComponentTarget,
  PolicyNames,
} from "../../contracts/resiliency.ts";
import { short } from "../../shared/nearest-name.ts";
import { where } from "../../shared/position.ts";
import { mapAt, member, textOf, type Value } from "../values/yaml.ts";
import { namedIn, wholeAt } from "./resiliency-policies.ts";

const kinds = ["timeout", "retry", "circuitBreaker"] as const;

function namesAt(value: Value | undefined, path: string): PolicyNames {
  mapAt(value, path);
  const names: PolicyNames = {};
  for (const kind of kinds) {
    const given = member(value, kind);
    const name = textOf(given);
    if (given && name !== "") names[kind] = { name, at: given.at };
  }
  return names;
}

const cacheSizeAt = (value: Value, path: string, usual: number) =>
  wholeAt(
    member(value, "circuitBreakerCacheSize"),
    `${path}.circuitBreakerCacheSize`,
    0,
  ) || usual;

export function readApps(targets: Value | undefined): Map<string, AppTarget> {
  const read = new Map<string, AppTarget>();
  const all = namedIn(member(targets, "apps"), "spec.targets.apps");
  for (const [name, value, path] of all)
    read.set(name, {
      ...namesAt(value, path),
      circuitBreakerCacheSize: cacheSizeAt(value, path, 100),
    });
  return read;
}

export function readActors(
  targets: Value | undefined,
): Map<string, ActorTarget> {
  const read = new Map<string, ActorTarget>();
  const all = namedIn(member(targets, "actors"), "spec.targets.actors");
  for (const [name, value, path] of all) {
    const names = namesAt(value, path);
    const given = member(value, "circuitBreakerScope");
    const scope = textOf(given);
    const isScope = scope === "type" || scope === "id" || scope === "both";
    if (scope !== "" && !isScope)
      throw new Error(
        `${path}.circuitBreakerScope ${short(scope)} is none of type, id and both (${where(given?.at)})`,
      );
    if (names.circuitBreaker && !isScope)
      throw new Error(
        `${path} has a circuitBreaker and no circuitBreakerScope; write type, id or both (${where(names.circuitBreaker.at)})`,
      );
    read.set(name, {
      ...names,
      ...(isScope ? { circuitBreakerScope: scope } : {}),
      circuitBreakerCacheSize: cacheSizeAt(value, path, 5000),
    });
  }
  return read;
}

export function readComponents(
  targets: Value | undefined,
): Map<string, ComponentTarget> {
  const read = new Map<string, ComponentTarget>();
  const all = namedIn(member(targets, "components"), "spec.targets.components");
  for (const [name, value, path] of all) {
    mapAt(value, path);
    const names = (direction: string) =>
      namesAt(member(value, direction), `${path}.${direction}`);
    read.set(name, { inbound: names("inbound"), outbound: names("outbound") });
  }
  return read;
}
