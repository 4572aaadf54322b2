/**
 * The list of component types. Each driver is imported only when a component of
 * its type is configured, so its client library costs nothing otherwise.
 */
import type { Binding, ComponentDefinition } from "../contract.ts";

export interface BuiltIn<C> {
  type: string;
  versions: string[];
  load(): Promise<ComponentDefinition<C>>;
}

export const bindings: BuiltIn<Binding>[] = [
  {
    type: "bindings.kafka",
    versions: ["v1"],
    load: async () => (await import("./bindings/kafka.ts")).kafka,
  },
  {
    type: "bindings.sqlite",
    versions: ["v1"],
    load: async () => (await import("./bindings/sqlite.ts")).sqlite,
  },
];
