/** Whom a call is for: an app of this namespace or of another one. */
import type { CallTarget } from "../../contracts/invocation-policies.ts";

/** `orders` or `orders.shop`. Throws for anything else. */
export function parseTarget(
  target: string,
  ownNamespace: string,
): { id: string; space: string } {
  const dot = target.indexOf(".");
  const id = dot < 0 ? target : target.slice(0, dot);
  const space = dot < 0 ? ownNamespace : target.slice(dot + 1);
  if (id === "" || space === "" || space.includes(".") || isCut(target))
    throw new Error(`invalid app id ${printable(target)}`);
  return { id, space };
}

/** How a Resiliency knows a call of an app. */
export const appTarget = (
  target: string,
  keys: readonly string[],
  operation: string,
): CallTarget => ({
  target,
  keys,
  endpoint: `${target}:${operation.slice(1)}`,
});

/** For some look-ups a NUL would end the name. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const isCut = (name: string) => /[\0-\x1f\x7f]/.test(name);

const printable = (name: string) => (isCut(name) ? JSON.stringify(name) : name);
