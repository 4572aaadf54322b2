/** As in the tutorial, one sidecar sends and one receives. Orders are evenly spaced, at several rates. */
import { randomUUID } from "node:crypto";
import type { Tally } from "../app.ts";
import {
  bindingPath,
  requireAcked,
  requireDelivered,
  startWith,
  watch,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import type { LoadResult } from "../load.ts";

export const latency: Scenario = async (bench, target, backend) => {
  const topic = await backend.createTopic();
  const start = (direction: string) =>
    startWith(
      bench,
      target,
      backend.component(topic, { direction, group: randomUUID() }),
      direction === "input",
    );
  const consumer = await start("input");
  const producer = await start("output");

  async function send(perSecond: number, count: number) {
    await bench.app.call("expect", { count, warmUp: 0 });
    const done = bench.app.next("done", (count / perSecond) * 1000 + 60_000);
    const used = watch(bench, backend, [producer, consumer]);
    const result = await bench.load.call<LoadResult>("open", {
      port: producer.httpPort,
      path: bindingPath,
      kind: "bind",
      perSecond,
      count,
    });
    requireAcked(result, result.acked);
    await done;
    const usage = used();
    const tally = await bench.app.call<Tally>("tally");
    requireDelivered(tally, count);
    return { tally, usage };
  }

  // Code is compiled after a number of calls, not after a time: the first 2,000 orders are slower.
  await send(500, bench.options.warmUpMs >= 2000 ? 2500 : 1000);
  const measured: Measurement[] = [];
  for (const perSecond of [50, 500, 2000]) {
    const count = Math.ceil((perSecond * bench.options.windowMs) / 1000);
    const { tally, usage } = await send(perSecond, count);
    const { othersShare } = usage;
    const name = `end to end at ${perSecond}/s`;
    measured.push(
      {
        metric: `${name}: p50`,
        unit: "ms",
        better: "lower",
        value: tally.latency!.p50,
        othersShare,
      },
      {
        metric: `${name}: p99`,
        unit: "ms",
        better: "lower",
        value: tally.latency!.p99,
        othersShare,
      },
      {
        metric: `${name}: CPU per order, both sidecars`,
        unit: "µs",
        better: "lower",
        value: (usage.sidecarCpuMs * 1000) / count,
        othersShare,
      },
    );
  }
  await producer.stop();
  await consumer.stop();
  await backend.removeTopic(topic);
  return measured;
};
