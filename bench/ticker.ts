/**
 * A thread that says "now" at even intervals. The event loop's timers have
 * whole milliseconds, and a busy loop would take a core from the sidecar.
 * Atomics.wait sleeps for fractions of a millisecond.
 */
import { parentPort, workerData } from "node:worker_threads";
import { nowUs } from "./child.ts";

const { everyUs, count } = workerData as {
  everyUs: number;
  count: number;
};
const nothing = new Int32Array(new SharedArrayBuffer(4));
// Time counts from the thread's own start. A thread takes 50 ms to start, and what
// was due meanwhile would go out in a burst.
const startUs = nowUs() + 1000;
for (let i = 0; i < count; i++) {
  const dueUs = Math.round(startUs + i * everyUs);
  const early = dueUs - nowUs();
  if (early > 0) Atomics.wait(nothing, 0, 0, early / 1000);
  parentPort!.postMessage(dueUs);
}
