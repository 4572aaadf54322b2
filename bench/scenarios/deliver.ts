/** A backlog of published orders is delivered to a new subscriber. */
import type { Tally } from "../app.ts";
import type { Bus } from "../backends/backend.ts";
import {
  publishPath,
  requireAcked,
  requireDelivered,
  startWith,
  watch,
  type Scenario,
} from "../bench.ts";
import type { LoadResult } from "../load.ts";
import { memoryMb } from "../proc.ts";
import { subscription } from "../subscription.ts";

export const deliver: Scenario<Bus> = async (bench, target, bus) => {
  const count = bench.options.backlog;
  const topic = await bus.createTopic();
  const publisher = await startWith(bench, target, bus.component(), false);
  const filled = await bench.load.call<LoadResult>("closed", {
    port: publisher.httpPort,
    path: publishPath(topic),
    kind: "publish",
    connections: bus.isOrdered ? 1 : 16, // more would mix up the order
    warmUpMs: 0,
    windowMs: 300_000,
    limit: count,
  });
  await publisher.stop();
  requireAcked(filled, await bus.stored(topic));

  const warmUp = Math.floor(count / 5);
  await bench.app.call("expect", { count, warmUp });
  const warm = bench.app.next("warm", 60_000);
  const done = bench.app.next("done", 120_000);
  const sidecar = await startWith(
    bench,
    target,
    `${bus.component()}---\n${subscription(topic)}`,
    true,
  );
  await warm;
  const used = watch(bench, bus, [sidecar]);
  await done;
  const { sidecarCpuMs, othersShare } = used();
  const memory = memoryMb(sidecar.pid);
  await sidecar.stop();
  const tally = await bench.app.call<Tally>("tally");
  requireDelivered(tally, count);
  if (bus.isOrdered && tally.outOfOrder > 0)
    throw new Error(
      `${tally.outOfOrder} orders of one partition came out of order`,
    );
  await bus.removeTopic(topic);
  const measured = count - warmUp - 1;
  return [
    {
      metric: "deliver: rate",
      unit: "/s",
      better: "higher",
      value: (measured / tally.elapsedMs) * 1000,
      othersShare,
    },
    {
      metric: "deliver: CPU per order",
      unit: "µs",
      better: "lower",
      value: (sidecarCpuMs * 1000) / measured,
      othersShare,
    },
    {
      metric: "deliver: delivered twice",
      unit: "orders",
      better: "lower",
      value: tally.duplicates,
    },
    {
      metric: "resident memory, peak of deliver",
      unit: "MB",
      better: "lower",
      value: memory.peak,
    },
  ];
};
