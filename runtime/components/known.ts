/** The lists of component types by the part of a type before its first dot. Name resolvers are no components of a resource. */
import type { Closable } from "../contracts/component.ts";
import {
  bindings,
  pubsubs,
  secretStores,
  stateStores,
  type BuiltIn,
} from "./index.ts";

export const known = {
  secretstores: secretStores,
  state: stateStores,
  bindings,
  pubsub: pubsubs,
};

/** The types among which a component's is looked for: those of its category, or all where there is no such category. */
export function typesFor(
  type: string,
  lists: Readonly<Record<string, BuiltIn<Closable>[]>> = known,
): BuiltIn<Closable>[] {
  const category = type.split(".")[0]!;
  return Object.hasOwn(lists, category)
    ? lists[category]!
    : Object.values(lists).flat();
}
