import { delay, libraryMs, startInterval, startTimer } from "./timers.ts";

const dayMs = 86_400_000;

// `refresh` of a fired timer, which the rounds need, is the system's: only the clock is not.
beforeEach(() => void jest.useFakeTimers({ doNotFake: ["performance"] }));
afterEach(() => void jest.useRealTimers());

test.each([
  ["1 ms", 1],
  ["a day", dayMs],
  ["24.8 days and a little", 2 ** 31],
  ["1000h", 1000 * 3_600_000],
  ["a year", 365 * dayMs],
])("a timer of %s fires then, once", (_, ms) => {
  const fired = jest.fn();
  startTimer(fired, ms);
  jest.advanceTimersByTime(ms - 1);
  expect(fired).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(fired).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(ms);
  expect(fired).toHaveBeenCalledTimes(1);
});

test("a long timer can be cleared at any time", () => {
  const fired = jest.fn();
  const timer = startTimer(fired, 60 * dayMs);
  jest.advanceTimersByTime(45 * dayMs);
  clearTimeout(timer);
  jest.advanceTimersByTime(60 * dayMs);
  expect(fired).not.toHaveBeenCalled();
});

test("a long interval fires each time", () => {
  const fired = jest.fn();
  const timer = startInterval(fired, 40 * dayMs);
  jest.advanceTimersByTime(39 * dayMs);
  expect(fired).not.toHaveBeenCalled();
  jest.advanceTimersByTime(82 * dayMs);
  expect(fired).toHaveBeenCalledTimes(3);
  clearInterval(timer);
});

test("real timers: long ones do not fire at once, short ones do, endless ones can be ended", async () => {
  jest.useRealTimers();
  const warnings = jest.spyOn(process, "emitWarning");
  const fired = jest.fn();
  const timers = [2 ** 31, 1e300, Infinity].map((ms) => startTimer(fired, ms));
  const interval = startInterval(fired, 2 ** 40);
  const ending = new AbortController();
  const waiting = delay(Infinity, undefined, { signal: ending.signal });
  expect(await delay(20, "done")).toBe("done");
  expect(fired).not.toHaveBeenCalled();
  ending.abort();
  await expect(waiting).rejects.toThrow("aborted");
  for (const timer of [...timers, interval]) clearTimeout(timer);
  expect(warnings).not.toHaveBeenCalled();
});

test("libraries get what their timers hold", () => {
  expect(libraryMs(1500)).toBe(1500);
  expect(libraryMs(Infinity)).toBe(2 ** 31 - 1);
});
