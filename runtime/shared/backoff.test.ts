import { doublingBackoff, pause } from "./backoff.ts";

test("pauses double up to the most, scattered by a quarter, and begin anew after a success", () => {
  const backoff = doublingBackoff(1000, 5000, 0.25);
  const pauses = [0.5, 0.5, 0.5, 0.5, 0, 1].map((r) => backoff.nextMs(r));
  expect(pauses).toEqual([1000, 2000, 4000, 5000, 3750, 6250]);
  backoff.reset();
  expect(backoff.nextMs(0.5)).toBe(1000);
});

test("a pause ends with its time, or as soon as it is called off", async () => {
  expect(await pause(1, new AbortController().signal)).toBe(true);
  const ending = new AbortController();
  const waited = pause(300_000, ending.signal);
  ending.abort();
  expect(await waited).toBe(false);
  expect(await pause(300_000, ending.signal)).toBe(false);
});
