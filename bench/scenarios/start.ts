/** The time from spawn to ready and to the first delivery, and the memory at rest. */
import { randomUUID } from "node:crypto";
import { startWith, type Scenario } from "../bench.ts";
import { memoryMb } from "../proc.ts";

export const start: Scenario = async (bench, target, backend) => {
  const topic = await backend.createTopic();
  await backend.fill(topic, 1);
  await bench.app.call("expect", { count: 1, warmUp: 1 });
  const first = bench.app.next("first", 30_000);
  const component = backend.component(topic, {
    direction: "input, output",
    group: randomUUID(),
  });
  const sidecar = await startWith(bench, target, component, true);
  const firstAtUs = await first;
  // No event says that a sidecar is at rest, so memory is read a fixed time after the last work.
  await new Promise((resolve) => setTimeout(resolve, bench.options.idleMs));
  const memory = memoryMb(sidecar.pid);
  await sidecar.stop();
  const since = (us: number) => (us - sidecar.spawnedAtUs) / 1000;
  await backend.removeTopic(topic);
  return [
    {
      metric: "spawn to ready",
      unit: "ms",
      better: "lower",
      value: since(sidecar.readyAtUs),
    },
    {
      metric: "spawn to first delivery",
      unit: "ms",
      better: "lower",
      value: since(firstAtUs),
    },
    {
      metric: "resident memory, idle",
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
  ];
};
