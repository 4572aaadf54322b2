/** Message buses: topics of Kafka, streams of Redis, the embedded file. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Bench } from "../bench.ts";
import { componentYaml, type Broker, type Bus } from "./backend.ts";
import { connected } from "./state-redis.ts";

const newTopic = async () => `bench-${randomUUID()}`;

export const kafkaBus = (brokers: string, kafka: Broker): Bus => ({
  ...kafka,
  name: "pubsub-kafka",
  isOrdered: true,
  component: () =>
    componentYaml("pubsub.kafka", {
      brokers,
      initialOffset: "oldest",
      authType: "none",
      disableTls: "true",
    }),
});

export async function redisBus(port: number, pids: number[]): Promise<Bus> {
  const redis = await connected(port);
  return {
    name: "pubsub-redis",
    pids,
    isOrdered: false,
    createTopic: newTopic,
    async removeTopic(topic) {
      await redis.del(topic);
    },
    stored: (topic) => redis.xlen(topic),
    component: () =>
      componentYaml("pubsub.redis", {
        redisHost: `127.0.0.1:${port}`,
        redisPassword: "",
      }),
    close: async () => redis.disconnect(),
  };
}

/** One file for all topics: only ours has it. */
export function sqliteBus(bench: Bench): Bus {
  const file = join(bench.folder, "bus.db");
  return {
    name: "pubsub-sqlite",
    pids: [],
    isOrdered: false,
    createTopic: newTopic,
    removeTopic: async () => {},
    async stored(topic) {
      if (!existsSync(file)) return 0;
      const database = new DatabaseSync(file, { readOnly: true });
      try {
        const row = database
          .prepare(
            "SELECT sum(next) AS held FROM log_partition WHERE topic LIKE ?",
          )
          .get(`%${topic}`);
        return Number(row!["held"] ?? 0);
      } finally {
        database.close();
      }
    },
    component: () =>
      componentYaml("pubsub.sqlite", {
        path: file,
        // Nothing may be deleted before it is counted.
        retainMessages: "100000000",
        maxSize: "20Gi",
      }),
    close: async () => {},
  };
}
