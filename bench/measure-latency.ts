/** Evenly spaced orders through two sidecars, at several rates, and their rows of the table. */
import type { Tally } from "./app.ts";
import type { Backend } from "./backends/backend.ts";
import {
  requireAcked,
  requireDelivered,
  watch,
  type Bench,
  type Measurement,
} from "./bench.ts";
import type { Asked, LoadResult } from "./load.ts";
import type { Sidecar } from "./sidecar.ts";

export interface Way extends Pick<Asked, "path" | "kind"> {
  producer: Sidecar;
  consumer: Sidecar;
}

/** The rows are called `NAME at 50/s: p50` and so on. */
export async function evenlySpaced(
  bench: Bench,
  backend: Backend,
  { producer, consumer, path, kind }: Way,
  name: string,
): Promise<Measurement[]> {
  async function send(perSecond: number, count: number) {
    await bench.app.call("expect", { count, warmUp: 0 });
    const done = bench.app.next("done", (count / perSecond) * 1000 + 60_000);
    const used = watch(bench, backend, [producer, consumer]);
    const result = await bench.load.call<LoadResult>("open", {
      port: producer.httpPort,
      path,
      kind,
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
    const row = `${name} at ${perSecond}/s`;
    measured.push(
      {
        metric: `${row}: p50`,
        unit: "ms",
        better: "lower",
        value: tally.latency!.p50,
        othersShare,
      },
      {
        metric: `${row}: p99`,
        unit: "ms",
        better: "lower",
        value: tally.latency!.p99,
        othersShare,
      },
      {
        metric: `${row}: CPU per order, both sidecars`,
        unit: "µs",
        better: "lower",
        value: (usage.sidecarCpuMs * 1000) / count,
        othersShare,
      },
    );
  }
  return measured;
}
