/** 1, 16 and 128 connections post orders to the output binding as fast as they get answers. */
import { randomUUID } from "node:crypto";
import {
  bindingPath,
  requireAcked,
  startWith,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { memoryMb } from "../proc.ts";

export const output: Scenario = async (bench, target, backend) => {
  const measured: Measurement[] = [];
  const topic = await backend.createTopic();
  const component = backend.component(topic, {
    direction: "output",
    group: randomUUID(),
  });
  const sidecar = await startWith(bench, target, component, false);
  let acked = 0;
  for (const connections of [1, 16, 128]) {
    const { result, rows } = await closedWindow(
      bench,
      backend,
      [sidecar],
      { port: sidecar.httpPort, path: bindingPath, kind: "bind" },
      connections,
      `output, ${connectionsName(connections)}`,
    );
    acked += result.acked;
    requireAcked({ ...result, acked }, await backend.stored(topic));
    measured.push(...rows);
  }
  const memory = memoryMb(sidecar.pid);
  measured.push(
    {
      metric: "resident memory after output at 128",
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
    {
      metric: "resident memory, peak of output",
      unit: "MB",
      better: "lower",
      value: memory.peak,
    },
  );
  await sidecar.stop();
  await backend.removeTopic(topic);
  return measured;
};
