/** The time from spawn to ready with a state store, and the memory at rest. */
import type { Store } from "../backends/backend.ts";
import { startWith, type Scenario } from "../bench.ts";
import { memoryMb } from "../proc.ts";

export const startStore: Scenario<Store> = async (bench, target, store) => {
  await store.clear();
  const sidecar = await startWith(bench, target, store.component(), false);
  // No event says that a sidecar is at rest, so memory is read a fixed time after the last work.
  await new Promise((resolve) => setTimeout(resolve, bench.options.idleMs));
  const memory = memoryMb(sidecar.pid);
  await sidecar.stop();
  return [
    {
      metric: "spawn to ready",
      unit: "ms",
      better: "lower",
      value: (sidecar.readyAtUs - sidecar.spawnedAtUs) / 1000,
    },
    {
      metric: "resident memory, idle",
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
  ];
};
