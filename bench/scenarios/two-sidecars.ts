/** Calls an app through two sidecars. Measures the highest rate of 16 connections, and the added latency at 1,000 calls per second. */
import type { Backend } from "../backends/backend.ts";
import {
  requireCalled,
  watch,
  type Bench,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import type { Asked, LoadResult } from "../load.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { echoPath, startPeers } from "../peers.ts";
import { memoryMb } from "../proc.ts";
import type { Latency } from "../stats.ts";

const connections = 16;
const perSecond = 1000;

export const twoSidecars: Scenario<Backend> = async (
  bench,
  target,
  backend,
) => {
  const peers = await startPeers(bench, target);
  const both = [peers.caller, peers.callee];
  const asked: Asked = {
    port: peers.caller.httpPort,
    path: echoPath(peers.callee),
    kind: "call",
  };
  await bench.app.call("echoes");
  const { result, rows } = await closedWindow(
    bench,
    backend,
    both,
    asked,
    connections,
    `two sidecars, ${connectionsName(connections)}`,
    "CPU per call, both",
  );
  requireCalled(result, await bench.app.call<number>("echoes"));
  const used = watch(bench, backend, both);
  const through = await spaced(bench, asked);
  const { othersShare } = used();
  const memory = both.map((sidecar) => memoryMb(sidecar.pid));
  await peers.stop();
  const straight = await spaced(bench, {
    port: bench.appPort,
    path: "/echo",
    kind: "call",
  });
  const added = (of: "mean" | "p50" | "p99"): Measurement => ({
    metric: `two sidecars at ${perSecond}/s: added ${of}`,
    unit: "ms",
    better: "lower",
    value: through[of] - straight[of],
    othersShare,
  });
  return [
    ...rows,
    added("mean"),
    added("p50"),
    added("p99"),
    {
      metric: `no sidecar at ${perSecond}/s: mean`,
      unit: "ms",
      better: "neither",
      value: straight.mean,
    },
    {
      metric: "ready to first answer of the other's app",
      unit: "ms",
      better: "lower",
      value: peers.firstAnswerMs,
    },
    ...["caller", "callee"].map((role, i): Measurement => ({
      metric: `resident memory after calls, ${role}`,
      unit: "MB",
      better: "lower",
      value: memory[i]!.now,
    })),
  ];
};

/** Sends evenly spaced calls. The same run without sidecars shows how much of the latency comes from the machine. */
async function spaced(bench: Bench, asked: Asked): Promise<Latency> {
  const count = Math.ceil((perSecond * bench.options.windowMs) / 1000);
  const result = await bench.load.call<LoadResult>("open", {
    ...asked,
    perSecond,
    count,
  });
  requireCalled(result, await bench.app.call<number>("echoes"));
  return result.latency!;
}
