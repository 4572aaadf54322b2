/** A prefilled topic with one partition is delivered to the app, one order at a time, in order. */
import { randomUUID } from "node:crypto";
import type { Tally } from "../app.ts";
import type { Broker } from "../backends/backend.ts";
import {
  requireDelivered,
  startWith,
  watch,
  type Bench,
  type Scenario,
} from "../bench.ts";
import { memoryMb } from "../proc.ts";

/** Topics are filled once per run. Every sidecar reads them in its own consumer group. */
const filled = new Map<Broker, Promise<string>>();

async function backlogOf(bench: Bench, backend: Broker): Promise<string> {
  const topic = await backend.createTopic();
  await backend.fill(topic, bench.options.backlog);
  return topic;
}

export const input: Scenario = async (bench, target, backend) => {
  if (!filled.has(backend)) filled.set(backend, backlogOf(bench, backend));
  const topic = await filled.get(backend)!;
  const count = bench.options.backlog;
  const warmUp = Math.floor(count / 5);
  await bench.app.call("expect", { count, warmUp });
  const warm = bench.app.next("warm", 60_000);
  const done = bench.app.next("done", 120_000);
  const component = backend.component(topic, {
    direction: "input",
    group: randomUUID(),
  });
  const sidecar = await startWith(bench, target, component, true);
  await warm;
  const used = watch(bench, backend, [sidecar]);
  await done;
  const { sidecarCpuMs, othersShare } = used();
  const memory = memoryMb(sidecar.pid);
  await sidecar.stop();
  const tally = await bench.app.call<Tally>("tally");
  requireDelivered(tally, count);
  if (tally.outOfOrder > 0)
    throw new Error(
      `${tally.outOfOrder} orders of one partition came out of order`,
    );
  const measured = count - warmUp - 1;
  return [
    {
      metric: "input: rate",
      unit: "/s",
      better: "higher",
      value: (measured / tally.elapsedMs) * 1000,
      othersShare,
    },
    {
      metric: "input: CPU per order",
      unit: "µs",
      better: "lower",
      value: (sidecarCpuMs * 1000) / measured,
      othersShare,
    },
    {
      metric: "input: delivered twice",
      unit: "orders",
      better: "lower",
      value: tally.duplicates,
    },
    {
      metric: "resident memory after input",
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
    {
      metric: "resident memory, peak of input",
      unit: "MB",
      better: "lower",
      value: memory.peak,
    },
  ];
};
