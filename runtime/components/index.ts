/**
 * The list of component types. Each driver is imported only when a component of
 * its type is configured, so its client library costs nothing otherwise.
 */
import type { Binding } from "../contracts/binding.ts";
import type { Closable, ComponentDefinition } from "../contracts/component.ts";
import type { NameResolver } from "../contracts/name-resolver.ts";
import type { PubSub } from "../contracts/pubsub.ts";
import type { SecretStore } from "../contracts/secret-store.ts";
import type { StateStore } from "../contracts/state-store.ts";

export interface BuiltIn<C extends Closable> {
  type: string;
  /** `["v1"]` also serves an empty version and `v0`. Of several versions each serves itself; the first is the default. */
  versions: string[];
  /** `version` is one of `versions`. */
  load(version: string): Promise<ComponentDefinition<C>>;
}

export const bindings: BuiltIn<Binding>[] = [
  {
    type: "bindings.kafka",
    versions: ["v1"],
    load: async () => (await import("./bindings/kafka/binding.ts")).kafka,
  },
  {
    type: "bindings.sqlite",
    versions: ["v1"],
    load: async () => (await import("./bindings/sqlite/binding.ts")).sqlite,
  },
  {
    type: "bindings.cron",
    versions: ["v1"],
    load: async () => (await import("./bindings/cron/binding.ts")).cron,
  },
  {
    type: "bindings.http",
    versions: ["v1"],
    load: async () => (await import("./bindings/http/binding.ts")).http,
  },
  {
    type: "bindings.localstorage",
    versions: ["v1"],
    load: async () =>
      (await import("./bindings/localstorage/binding.ts")).localstorage,
  },
  ...["bindings.postgresql", "bindings.postgres"].map((type) => ({
    type,
    versions: ["v1"],
    load: async () =>
      (await import("./bindings/postgresql/binding.ts")).postgresql,
  })),
];

export const pubsubs: BuiltIn<PubSub>[] = [
  {
    type: "pubsub.in-memory",
    versions: ["v1"],
    load: async () => (await import("./pubsub/in-memory.ts")).inMemory,
  },
  {
    type: "pubsub.sqlite",
    versions: ["v1"],
    load: async () => (await import("./pubsub/sqlite/pubsub.ts")).sqlite,
  },
  {
    type: "pubsub.kafka",
    versions: ["v1"],
    load: async () => (await import("./pubsub/kafka/pubsub.ts")).kafka,
  },
  {
    type: "pubsub.redis",
    versions: ["v1"],
    load: async () => (await import("./pubsub/redis/pubsub.ts")).redis,
  },
  {
    type: "pubsub.rabbitmq",
    versions: ["v1"],
    load: async () => (await import("./pubsub/rabbitmq/pubsub.ts")).rabbitmq,
  },
  {
    type: "pubsub.mqtt3",
    versions: ["v1"],
    load: async () => (await import("./pubsub/mqtt3/pubsub.ts")).mqtt3,
  },
];

export const stateStores: BuiltIn<StateStore>[] = [
  {
    type: "state.in-memory",
    versions: ["v1"],
    load: async () => (await import("./state/in-memory.ts")).inMemory,
  },
  ...["state.sqlite", "state.sqlite3"].map((type) => ({
    type,
    versions: ["v1"],
    load: async () => (await import("./state/sqlite.ts")).sqlite,
  })),
  {
    type: "state.redis",
    versions: ["v1"],
    load: async () => (await import("./state/redis/store.ts")).redis,
  },
  ...["state.postgresql", "state.postgres"].map((type) => ({
    type,
    versions: ["v1", "v2"],
    load: async (version: string) => {
      const drivers = await import("./state/postgresql/store.ts");
      return version === "v2" ? drivers.postgresqlV2 : drivers.postgresqlV1;
    },
  })),
];

export const secretStores: BuiltIn<SecretStore>[] = [
  {
    type: "secretstores.local.file",
    versions: ["v1"],
    load: async () =>
      (await import("./secretstores/local-file/store.ts")).localFile,
  },
  {
    type: "secretstores.local.env",
    versions: ["v1"],
    load: async () => (await import("./secretstores/local-env.ts")).localEnv,
  },
  {
    type: "secretstores.kubernetes",
    versions: ["v1"],
    load: async () => (await import("./secretstores/kubernetes.ts")).kubernetes,
  },
];

/** Named by a Configuration's `spec.nameResolution.component`, not by a Component. */
export const nameResolvers: BuiltIn<NameResolver>[] = [
  {
    type: "nameresolution.local",
    versions: ["v1"],
    load: async () => (await import("./nameresolution/local.ts")).local,
  },
  {
    type: "nameresolution.mdns",
    versions: ["v1"],
    load: async () => (await import("./nameresolution/mdns.ts")).mdns,
  },
  {
    type: "nameresolution.sqlite",
    versions: ["v1"],
    load: async () => (await import("./nameresolution/sqlite.ts")).sqlite,
  },
  {
    type: "nameresolution.kubernetes",
    versions: ["v1"],
    load: async () =>
      (await import("./nameresolution/kubernetes.ts")).kubernetes,
  },
  {
    type: "nameresolution.nameformat",
    versions: ["v1"],
    load: async () =>
      (await import("./nameresolution/nameformat.ts")).nameformat,
  },
];
