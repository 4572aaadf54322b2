/** Load generator straight to the app: the ceiling, and a gauge of how steady the machine is. */
import type { LoadResult } from "../load.ts";
import type { Bench, Measurement } from "../bench.ts";

export async function direct(bench: Bench): Promise<Measurement[]> {
  await bench.app.call("expect", { count: 0, warmUp: 0 });
  const result = await bench.load.call<LoadResult>("closed", {
    port: bench.appPort,
    path: "/bench",
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
  ];
}
