/** 16 and 64 connections read 5,000 saved orders. Each answer must be the order that was asked for. */
import type { Store } from "../backends/backend.ts";
import {
  requireAcked,
  startWith,
  statePath,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import type { LoadResult } from "../load.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { memoryMb } from "../proc.ts";

const keys = 5000;

export const get: Scenario<Store> = async (bench, target, store) => {
  const measured: Measurement[] = [];
  await store.clear();
  const sidecar = await startWith(bench, target, store.component(), false);
  const asked = { port: sidecar.httpPort, path: statePath };
  const saved = await bench.load.call<LoadResult>("closed", {
    ...asked,
    kind: "save",
    connections: 1, // with more, the original's SQLite refuses some
    warmUpMs: 0,
    windowMs: 60_000,
    limit: keys,
  });
  requireAcked(saved, await store.stored());
  for (const connections of [16, 64]) {
    const { result, rows } = await closedWindow(
      bench,
      store,
      [sidecar],
      { ...asked, kind: "get", idSpan: keys },
      connections,
      `get, ${connectionsName(connections)}`,
    );
    requireAcked(result, result.acked);
    measured.push(...rows);
  }
  measured.push({
    metric: "resident memory after get at 64",
    unit: "MB",
    better: "lower",
    value: memoryMb(sidecar.pid).now,
  });
  await sidecar.stop();
  await store.clear();
  return measured;
};
