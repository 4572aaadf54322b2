/**
 * A thread that says "now" at even intervals. Timers of the event loop are
 * whole milliseconds, and spinning would take a core from the sidecar;
 * Atomics.wait sleeps for fractions of one.
 */
import { parentPort, workerData } from "node:worker_threads";
import { nowUs } from "./child.ts";

const { everyUs, count } = workerData as {
  everyUs: number;
  count: number;
};
const nothing = new Int32Array(new SharedArrayBuffer(4));
// Its own start, not its parent's: a thread takes 50 ms to come up, and what was
// due meanwhile would go out in a burst.
const startUs = nowUs() + 1000;
for (let i = 0; i < count; i++) {
  const dueUs = Math.round(startUs + i * everyUs);
  const early = dueUs - nowUs();
  if (early > 0) Atomics.wait(nothing, 0, 0, early / 1000);
  parentPort!.postMessage(dueUs);
}
