/** 16 connections call the sidecar's own app through it as fast as they get answers, with 1 KB each way. */
import type { Backend } from "../backends/backend.ts";
import { requireCalled, startWith, type Scenario } from "../bench.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { echoPath, untilAnswered } from "../peers.ts";
import { memoryMb } from "../proc.ts";

const connections = 16;

export const ownApp: Scenario<Backend> = async (bench, target, backend) => {
  const sidecar = await startWith(bench, target, undefined, true);
  await untilAnswered(sidecar, echoPath(sidecar));
  const idle = memoryMb(sidecar.pid);
  await bench.app.call("echoes");
  const { result, rows } = await closedWindow(
    bench,
    backend,
    [sidecar],
    { port: sidecar.httpPort, path: echoPath(sidecar), kind: "call" },
    connections,
    `own app, ${connectionsName(connections)}`,
    "CPU per call",
  );
  requireCalled(result, await bench.app.call<number>("echoes"));
  const memory = memoryMb(sidecar.pid);
  await sidecar.stop();
  return [
    ...rows,
    {
      metric: "resident memory before calls",
      unit: "MB",
      better: "lower",
      value: idle.now,
    },
    {
      metric: "resident memory after calls",
      unit: "MB",
      better: "lower",
      value: memory.now,
    },
    {
      metric: "resident memory, peak of calls",
      unit: "MB",
      better: "lower",
      value: memory.peak,
    },
  ];
};
