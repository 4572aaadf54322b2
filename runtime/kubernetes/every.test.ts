import { recordingLog } from "../../tests/support/recording-log.ts";
import { every } from "./every.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("it begins at once and comes again after its interval", async () => {
  let runs = 0;
  const repeated = every(10_000, recordingLog(), async () => void runs++);
  await jest.advanceTimersByTimeAsync(0);
  expect(runs).toBe(1);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(runs).toBe(2);
  repeated.stop();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(runs).toBe(2);
});

test("a failure is said once and repeated after a second; who asked waits for a success", async () => {
  const log = recordingLog();
  let broken = true;
  let runs = 0;
  const repeated = every(60_000, log, async () => {
    runs++;
    if (broken) throw new Error("no answer");
  });
  let succeeded = false;
  void repeated.now().then(() => (succeeded = true));
  await jest.advanceTimersByTimeAsync(3_000);
  expect(runs).toBeGreaterThan(2);
  expect(succeeded).toBe(false);
  broken = false;
  await jest.advanceTimersByTimeAsync(1_000);
  expect(succeeded).toBe(true);
  expect(log.lines).toEqual(["warning no answer; trying again"]);
  repeated.stop();
});

test("asked while it runs, it runs once more, and never twice at a time", async () => {
  let under = 0;
  let most = 0;
  let runs = 0;
  const repeated = every(60_000, recordingLog(), async () => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, 100));
    under--;
    runs++;
  });
  const both = Promise.all([repeated.now(), repeated.now()]);
  await jest.advanceTimersByTimeAsync(300);
  await both;
  expect([runs, most]).toEqual([2, 1]);
  repeated.stop();
});
