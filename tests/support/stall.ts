/** Measures how long a request holds up all others. */
import { Agent } from "node:http";
import { mainThreadMs } from "./cpu.ts";
import type { Daprd } from "./daprd.ts";

/** The limit for a cold test machine, in ms of the sidecar's main thread. The goal is 50 (docs/benchmarks.md). */
export const stallLimitMs = 250;

/**
 * Does `work` during a stream of health checks. `stallMs` is the longest time that the sidecar's main thread worked
 * between two of their answers: so long all other requests would wait on an idle machine.
 */
export async function besideHealth<T>(
  sidecar: Daprd,
  work: () => Promise<T>,
): Promise<{ result: T; stallMs: number }> {
  const agent = new Agent({ keepAlive: true });
  let stallMs = 0;
  let isOver = false;
  const health = async () => {
    while (!isOver) {
      const before = mainThreadMs(sidecar.pid);
      const { status } = await sidecar.call("GET", "/v1.0/healthz", { agent });
      expect(status).toBe(204);
      stallMs = Math.max(stallMs, mainThreadMs(sidecar.pid) - before);
    }
  };
  const reading = health();
  try {
    const result = await work();
    isOver = true;
    await reading;
    return { result, stallMs };
  } finally {
    isOver = true;
    agent.destroy();
  }
}
