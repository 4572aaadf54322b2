/** The embedded broker: one file per topic. Our sidecar writes it; the count is read from the file itself. */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { bindingPath, requireAcked, startWith, type Bench } from "../bench.ts";
import type { LoadResult } from "../load.ts";
import { ownTarget } from "../sidecar.ts";
import { componentYaml, type Broker } from "./backend.ts";

export function sqliteBackend(bench: Bench): Broker {
  const fileOf = (topic: string) => join(bench.folder, `${topic}.db`);

  const backend: Broker = {
    name: "sqlite",
    pids: [],
    createTopic: async () => `bench-${randomUUID()}`,
    async removeTopic(topic) {
      for (const suffix of ["", "-wal", "-shm"])
        rmSync(fileOf(topic) + suffix, { force: true });
    },
    async fill(topic, count) {
      const component = backend.component(topic, {
        direction: "output",
        group: "none",
      });
      const sidecar = await startWith(bench, ownTarget, component, false);
      const result = await bench.load.call<LoadResult>("closed", {
        port: sidecar.httpPort,
        path: bindingPath,
        kind: "bind",
        connections: 1, // more would mix up the order
        warmUpMs: 0,
        windowMs: 300_000,
        limit: count,
      });
      await sidecar.stop();
      requireAcked(result, await backend.stored(topic));
    },
    async stored(topic) {
      const database = new DatabaseSync(fileOf(topic), { readOnly: true });
      try {
        const row = database
          .prepare("SELECT count(*) AS held FROM log_message")
          .get();
        return Number(row!["held"]);
      } finally {
        database.close();
      }
    },
    component: (topic, { direction, group }) =>
      componentYaml("bindings.sqlite", {
        path: fileOf(topic),
        topics: "bench",
        publishTopic: "bench",
        consumerGroup: group,
        partitions: "1",
        // Nothing may be deleted before it is counted.
        retainMessages: "100000000",
        maxSize: "20Gi",
        direction,
      }),
    close: async () => {},
  };
  return backend;
}
