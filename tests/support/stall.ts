/** How long a request holds up everybody else. */
import { Agent } from "node:http";
import { mainThreadMs } from "./cpu.ts";
import type { Daprd } from "./daprd.ts";

/** In ms of the sidecar's main thread, what a cold test machine allows; 50 is the goal (docs/benchmarks.md). */
export const stallLimitMs = 250;

/**
 * Does `work` beside a stream of health reads. `stallMs` is the most that the sidecar's main thread worked between
 * two answers of those: how long everybody else would wait on an idle machine.
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
