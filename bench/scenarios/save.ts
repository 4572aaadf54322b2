/** 16 and 64 connections save orders to the state store as fast as they get answers, each under a new key. */
import type { Store } from "../backends/backend.ts";
import {
  requireSaved,
  startWith,
  statePath,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { memoryMb } from "../proc.ts";

export const save: Scenario<Store> = async (bench, target, store) => {
  const measured: Measurement[] = [];
  await store.clear();
  const sidecar = await startWith(bench, target, store.component(), false);
  let sent = 0;
  let acked = 0;
  for (const connections of [16, 64]) {
    const name = `save, ${connectionsName(connections)}`;
    const { result, rows } = await closedWindow(
      bench,
      store,
      [sidecar],
      {
        port: sidecar.httpPort,
        path: statePath,
        kind: "save",
        firstId: sent,
      },
      connections,
      name,
    );
    sent += result.sent;
    acked += result.acked;
    requireSaved({ ...result, acked }, await store.stored());
    measured.push(...rows, {
      metric: `${name}: refused`,
      unit: "orders",
      better: "lower",
      value: result.failed,
    });
  }
  const memory = memoryMb(sidecar.pid);
  measured.push(
    {
      metric: "resident memory after save at 64",
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
    {
      metric: "resident memory, peak of save",
      unit: "MB",
      better: "lower",
      value: memory.peak,
    },
  );
  await sidecar.stop();
  await store.clear();
  return measured;
};
