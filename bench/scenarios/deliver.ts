/** A backlog of published orders is delivered to a new subscriber. */
import type { Bus } from "../backends/backend.ts";
import {
  publishPath,
  requireAcked,
  startWith,
  type Scenario,
} from "../bench.ts";
import { drainBacklog } from "../drain-backlog.ts";
import type { LoadResult } from "../load.ts";
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

  const measured = await drainBacklog(bench, bus, {
    name: "deliver",
    count,
    isOrdered: bus.isOrdered,
    start: () =>
      startWith(
        bench,
        target,
        `${bus.component()}---\n${subscription(topic)}`,
        true,
      ),
  });
  await bus.removeTopic(topic);
  return measured;
};
