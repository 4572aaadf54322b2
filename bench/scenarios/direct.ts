/** The load generator calls the app without a sidecar. This is the ceiling, and shows how steady the machine is. */
import type { Asked, LoadResult } from "../load.ts";
import type { Bench, Measurement } from "../bench.ts";
import { cpuMs } from "../proc.ts";

/** The app counts each order and gives an empty answer. */
export const directOrders = (bench: Bench) =>
  direct(bench, { path: "/bench", kind: "bind" });

/** The app gives each order back. */
export const directCalls = (bench: Bench) =>
  direct(bench, { path: "/echo", kind: "call" });

async function direct(
  bench: Bench,
  asked: Pick<Asked, "path" | "kind">,
): Promise<Measurement[]> {
  await bench.app.call("expect", { count: 0, warmUp: 0 });
  const helpersMs = () => cpuMs(bench.load.pid) + cpuMs(bench.app.pid);
  const before = helpersMs();
  const result = await bench.load.call<LoadResult>("closed", {
    port: bench.appPort,
    ...asked,
    connections: 16,
    warmUpMs: 500,
    windowMs: 1000,
    limit: Infinity,
  });
  if (result.failed > 0)
    throw new Error(`the app itself failed: ${result.firstFailure}`);
  return [
    {
      metric: "no sidecar: load generator to app, 16 connections",
      unit: "/s",
      better: "neither",
      value: (result.counted / result.elapsedMs) * 1000,
    },
    {
      metric: "no sidecar: CPU per request, load generator and app",
      unit: "µs",
      better: "neither",
      value: ((helpersMs() - before) * 1000) / result.sent,
    },
  ];
}
