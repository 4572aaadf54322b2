/** Orders posted to the output binding as fast as 1, 16 and 128 connections get their answers. */
import { randomUUID } from "node:crypto";
import {
  bindingPath,
  requireAcked,
  startWith,
  watch,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import type { LoadResult } from "../load.ts";
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
    const warm = bench.load.next("warm", 30_000);
    const running = bench.load.call<LoadResult>("closed", {
      port: sidecar.httpPort,
      path: bindingPath,
      connections,
      warmUpMs: bench.options.warmUpMs,
      windowMs: bench.options.windowMs,
      limit: Infinity,
    });
    await Promise.race([warm, running]);
    const used = watch(bench, backend, [sidecar]);
    const result = await running;
    const { sidecarCpuMs, othersShare } = used();
    acked += result.acked;
    requireAcked({ ...result, acked }, await backend.stored(topic));
    const name = `output, ${connections} connection${connections > 1 ? "s" : ""}`;
    measured.push(
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
        value: result.latency!.p50,
        othersShare,
      },
      {
        metric: `${name}: p99`,
        unit: "ms",
        better: "lower",
        value: result.latency!.p99,
        othersShare,
      },
      {
        metric: `${name}: CPU per order`,
        unit: "µs",
        better: "lower",
        value: (sidecarCpuMs * 1000) / result.counted,
        othersShare,
      },
    );
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
