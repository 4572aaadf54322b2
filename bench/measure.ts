/** One window of closed-loop load, and its rows of the table. */
import { watch, type Bench, type Measurement } from "./bench.ts";
import type { Backend } from "./backends/backend.ts";
import type { Asked, LoadResult } from "./load.ts";
import type { Sidecar } from "./sidecar.ts";

export interface ClosedWindow {
  result: LoadResult;
  rows: Measurement[];
}

/** The CPU time of `sidecars` is divided by the number of orders. The rows are called `NAME: rate` and so on. */
export async function closedWindow(
  bench: Bench,
  backend: Backend,
  sidecars: Sidecar[],
  asked: Asked,
  connections: number,
  name: string,
  cpuName = "CPU per order",
  limit = Infinity,
): Promise<ClosedWindow> {
  const warm = bench.load.next("warm", 30_000);
  const running = bench.load.call<LoadResult>("closed", {
    ...asked,
    connections,
    warmUpMs: bench.options.warmUpMs,
    windowMs: bench.options.windowMs,
    limit,
  });
  await Promise.race([warm, running]);
  const used = watch(bench, backend, sidecars);
  const result = await running;
  const { sidecarCpuMs, othersShare } = used();
  if (result.latency === undefined)
    throw new Error(
      `nothing was answered within the window; ${result.failed} of ${result.sent} orders failed, the first with: ${result.firstFailure}`,
    );
  return {
    result,
    rows: [
      {
        metric: `${name}: rate`,
        unit: "/s",
        better: "higher",
        value: (result.counted / result.elapsedMs) * 1000,
        othersShare,
      },
      {
        metric: `${name}: p50`,
        unit: "ms",
        better: "lower",
        value: result.latency.p50,
        othersShare,
      },
      {
        metric: `${name}: p99`,
        unit: "ms",
        better: "lower",
        value: result.latency.p99,
        othersShare,
      },
      {
        metric: `${name}: ${cpuName}`,
        unit: "µs",
        better: "lower",
        value: (sidecarCpuMs * 1000) / result.counted,
        othersShare,
      },
    ],
  };
}

export const connectionsName = (connections: number) =>
  `${connections} connection${connections > 1 ? "s" : ""}`;
