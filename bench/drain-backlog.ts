/** A backlog of orders is delivered to the app by a new sidecar: the rate after the first fifth, and its price. */
import type { Tally } from "./app.ts";
import type { Backend } from "./backends/backend.ts";
import {
  requireDelivered,
  watch,
  type Bench,
  type Measurement,
} from "./bench.ts";
import { memoryMb } from "./proc.ts";
import type { Sidecar } from "./sidecar.ts";

export interface Backlog {
  /** The rows are called `NAME: rate` and so on. */
  name: string;
  count: number;
  /** True if the orders have to arrive in their order. */
  isOrdered: boolean;
  /** Starts the sidecar that reads it. */
  start(): Promise<Sidecar>;
}

export async function drainBacklog(
  bench: Bench,
  backend: Backend,
  { name, count, isOrdered, start }: Backlog,
): Promise<Measurement[]> {
  const warmUp = Math.floor(count / 5);
  await bench.app.call("expect", { count, warmUp });
  const warm = bench.app.next("warm", 60_000);
  const done = bench.app.next("done", 120_000);
  const sidecar = await start();
  await warm;
  const used = watch(bench, backend, [sidecar]);
  await done;
  const { sidecarCpuMs, othersShare } = used();
  const memory = memoryMb(sidecar.pid);
  await sidecar.stop();
  const tally = await bench.app.call<Tally>("tally");
  requireDelivered(tally, count);
  if (isOrdered && tally.outOfOrder > 0)
    throw new Error(
      `${tally.outOfOrder} orders of one partition came out of order`,
    );
  const measured = count - warmUp - 1;
  return [
    {
      metric: `${name}: rate`,
      unit: "/s",
      better: "higher",
      value: (measured / tally.elapsedMs) * 1000,
      othersShare,
    },
    {
      metric: `${name}: CPU per order`,
      unit: "µs",
      better: "lower",
      value: (sidecarCpuMs * 1000) / measured,
      othersShare,
    },
    {
      metric: `${name}: delivered twice`,
      unit: "orders",
      better: "lower",
      value: tally.duplicates,
    },
    {
      metric: `resident memory after ${name}`,
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
    {
      metric: `resident memory, peak of ${name}`,
      unit: "MB",
      better: "lower",
      value: memory.peak,
    },
  ];
}
