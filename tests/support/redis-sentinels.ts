/** A Redis, its replica and a sentinel that watches them, in containers. */
import { Redis } from "ioredis";
import { GenericContainer, Wait } from "testcontainers";
import { waitFor } from "../wait-for.ts";
import { freePorts } from "./ports.ts";

const words = (line: string) => line.split(" ");

export async function startSentinels() {
  const [first, second, sentinel] = (await freePorts(3)) as [
    number,
    number,
    number,
  ];
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  // On the host's network they know each other by the same addresses as we do.
  const server = async (line: string) => {
    const container = await new GenericContainer("redis:7")
      .withNetworkMode("host")
      .withEntrypoint(["redis-server"])
      .withCommand([...words(line), "--save", ""])
      .withWaitStrategy(
        Wait.forLogMessage(/Ready to accept connections|Sentinel ID is/),
      )
      .start();
    stops.push(() => container.stop());
    return container;
  };
  const master = await server(`--port ${first}`);
  await server(
    `--port ${second} --replicaof 127.0.0.1 ${first} --repl-diskless-sync-delay 0`,
  );
  const replica = new Redis(second);
  stops.push(async () => replica.disconnect());
  await waitFor("the replica", async () =>
    (await replica.info("replication")).includes("master_link_status:up"),
  );
  const conf = [
    `port ${sentinel}`,
    `sentinel monitor orders 127.0.0.1 ${first} 1`,
    "sentinel down-after-milliseconds orders 500",
    "sentinel failover-timeout orders 3000",
  ].join("\n");
  const watcher = await new GenericContainer("redis:7")
    .withNetworkMode("host")
    .withEntrypoint(["redis-server"])
    .withCopyContentToContainer([{ content: conf, target: "/tmp/s.conf" }])
    .withCommand(["/tmp/s.conf", "--sentinel"])
    .withWaitStrategy(Wait.forLogMessage(/\+slave slave/))
    .start();
  stops.push(() => watcher.stop());
  return {
    /** Of a component that reaches them. */
    metadata: {
      redisHost: `127.0.0.1:${sentinel}`,
      failover: "true",
      sentinelMasterName: "orders",
    },
    /** Ends the server that is written to; the replica takes its place. */
    endMaster: () => master.stop({ timeout: 0 }),
    stop,
  };
}
