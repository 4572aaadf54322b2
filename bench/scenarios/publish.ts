/** 16 and 128 connections publish orders as fast as they get answers. Nobody subscribes. */
import type { Bus } from "../backends/backend.ts";
import {
  publishPath,
  requireAcked,
  startWith,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { memoryMb } from "../proc.ts";

export const publish: Scenario<Bus> = async (bench, target, bus) => {
  const measured: Measurement[] = [];
  const topic = await bus.createTopic();
  const sidecar = await startWith(bench, target, bus.component(), false);
  let acked = 0;
  for (const connections of [16, 128]) {
    const { result, rows } = await closedWindow(
      bench,
      bus,
      [sidecar],
      { port: sidecar.httpPort, path: publishPath(topic), kind: "publish" },
      connections,
      `publish, ${connectionsName(connections)}`,
    );
    acked += result.acked;
    requireAcked({ ...result, acked }, await bus.stored(topic));
    measured.push(...rows);
  }
  measured.push({
    metric: "resident memory, peak of publish",
    unit: "MB",
    better: "lower",
    value: memoryMb(sidecar.pid).peak,
  });
  await sidecar.stop();
  await bus.removeTopic(topic);
  return measured;
};
