import type { RetryPolicy } from "../../contracts/resiliency.ts";
import { PolicyError } from "../../contracts/run.ts";
import type { Logger } from "../../shared/log.ts";
import { createBreaker } from "./breaker.ts";
import {
  retryPauseMs,
  runWith,
  type Policy,
  type RunOptions,
} from "./runner.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const constant: RetryPolicy = {
  policy: "constant",
  durationMs: 5000,
  maxIntervalMs: 60_000,
  maxRetries: 3,
};

/** A policy that notes what it logs and counts. */
function policyOf(more: Partial<Policy>) {
  const lines: string[] = [];
  const counted: string[] = [];
  const write = (line: string) => lines.push(line);
  const policy: Policy = {
    name: "component[store] output",
    timeoutMs: 0,
    retry: undefined,
    breaker: undefined,
    count: {
      called: () => counted.push("called"),
      timedOut: () => counted.push("timed out"),
      retried: () => counted.push("retried"),
      changed: (state) => counted.push(state),
    },
    log: { info: write, warn: write, debug() {} } as unknown as Logger,
    ...more,
  };
  return { policy, lines, counted };
}

/** Runs work whose nth try ends as the nth of `ends`: an error, or a result. */
async function run(
  policy: Policy,
  ends: unknown[],
  options?: RunOptions<unknown>,
) {
  let tries = 0;
  const running = runWith(
    policy,
    async () => {
      const end = ends[Math.min(tries++, ends.length - 1)];
      if (end instanceof Error) throw end;
      return end;
    },
    options,
  ).then(
    (result) => ({ result, tries }),
    (error: Error) => ({ error: error.message, tries }),
  );
  await jest.advanceTimersByTimeAsync(20 * 60_000);
  return running;
}

const down = new Error("down");

test("what fails is tried again until it succeeds, and the log tells it twice", async () => {
  const { policy, lines, counted } = policyOf({ retry: constant });
  expect(await run(policy, [down, down, "ok"])).toEqual({
    result: "ok",
    tries: 3,
  });
  expect(lines).toEqual([
    "Error processing operation component[store] output. Retrying in 5s…",
    "Recovered processing operation component[store] output after 3 attempts",
  ]);
  expect(counted).toEqual(["called", "retried"]);
});

test("after the last try its error is the error, or its result the result", async () => {
  const { policy } = policyOf({ retry: constant });
  expect(await run(policy, [down])).toEqual({ error: "down", tries: 4 });
  const dropped: unknown[] = [];
  const judge = (code: unknown) => ({ code: code as number });
  const drop = (result: unknown) => void dropped.push(result);
  expect(await run(policy, [500, 501, 502, 503], { judge, drop })).toEqual({
    result: 503,
    tries: 4,
  });
  expect(dropped).toEqual([500, 501, 502]);
});

test("without a retry policy there is one try", async () => {
  expect(await run(policyOf({}).policy, [down])).toEqual({
    error: "down",
    tries: 1,
  });
});

test("only codes that match are tried again, and all that have none", async () => {
  const retry: RetryPolicy = {
    ...constant,
    httpCodes: [
      [429, 429],
      [500, 599],
    ],
  };
  const { policy } = policyOf({ retry });
  const judge = (code: unknown) => ({ code: code as number });
  expect(await run(policy, [404], { judge })).toEqual({
    result: 404,
    tries: 1,
  });
  expect((await run(policy, [429], { judge })).tries).toBe(4);
  expect((await run(policy, [503, 404], { judge })).tries).toBe(2);
  // A code of gRPC, for which nothing is said.
  expect((await run(policy, [14], { judge })).tries).toBe(4);
  expect((await run(policy, [down])).tries).toBe(4);
});

test("the pauses of the exponential policy grow by half, scattered by half, up to the longest; after 15 minutes it ends", async () => {
  const retry: RetryPolicy = {
    policy: "exponential",
    durationMs: 0,
    maxIntervalMs: 2000,
    maxRetries: Infinity,
  };
  const pauses = [1, 2, 3, 9].map((n) => retryPauseMs(retry, n, 0.5));
  expect(pauses).toEqual([500, 750, 1125, 2000]);
  expect([0, 1].map((random) => retryPauseMs(retry, 1, random))).toEqual([
    250, 750,
  ]);
  const startedMs = performance.now();
  let lastMs = 0;
  const failureOf = () => {
    lastMs = performance.now();
    return {};
  };
  expect(
    await run(policyOf({ retry }).policy, [down], { failureOf }),
  ).toMatchObject({
    error: "down",
  });
  expect(lastMs - startedMs).toBeGreaterThan(14 * 60_000);
  expect(lastMs - startedMs).toBeLessThanOrEqual(15 * 60_000);
});

test("a try whose time is over is ended, and what it brings later is dropped", async () => {
  const { policy, counted } = policyOf({
    timeoutMs: 1000,
    retry: { ...constant, maxRetries: 1 },
  });
  const signals: AbortSignal[] = [];
  const dropped: unknown[] = [];
  const running = runWith(
    policy,
    (signal) =>
      new Promise((resolve) => {
        signals.push(signal!);
        setTimeout(() => resolve("late"), 1500);
      }),
    { drop: (result) => void dropped.push(result) },
  );
  const ended = expect(running).rejects.toThrow(new PolicyError("timeout"));
  await jest.advanceTimersByTimeAsync(60_000);
  await ended;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(dropped).toEqual(["late", "late"]);
  expect(counted).toEqual(["called", "timed out", "retried"]);
});

test("a result is under the time limit until it is whole", async () => {
  const { policy } = policyOf({ timeoutMs: 1000 });
  let signal: AbortSignal | undefined;
  const whole = Promise.withResolvers<void>();
  const work = async (given?: AbortSignal) => {
    signal = given;
    return "head";
  };
  expect(await runWith(policy, work, { whole: () => whole.promise })).toBe(
    "head",
  );
  await jest.advanceTimersByTimeAsync(1000);
  expect(signal!.reason).toEqual(new PolicyError("timeout"));
});

test("the time limit is that of each try, within the circuit breaker, which is within the retries", async () => {
  const breaker = createBreaker({
    policy: {
      maxRequests: 1,
      intervalMs: 0,
      timeoutMs: 60_000,
      trip: "",
      trips: ({ consecutiveFailures }) => consecutiveFailures >= 2,
    },
    onChange() {},
  });
  const { policy, counted } = policyOf({
    timeoutMs: 1000,
    retry: constant,
    breaker,
  });
  let tries = 0;
  const running = runWith(policy, () => {
    tries++;
    return new Promise<never>(() => {});
  });
  const ended = expect(running).rejects.toThrow("circuit breaker is open");
  await jest.advanceTimersByTimeAsync(60_000);
  await ended;
  // The third was refused, and that ends the retries.
  expect(tries).toBe(2);
  expect(counted).toEqual(["called", "timed out", "retried", "open"]);
});

test("an answer that no further try would change is no failure for the circuit breaker", async () => {
  const outcomes: boolean[] = [];
  const breaker = {
    state: () => "closed" as const,
    enter: () => (isSuccess: boolean) => void outcomes.push(isSuccess),
  };
  const { policy } = policyOf({ retry: constant, breaker });
  const failureOf = () => ({ isFinal: true, isAnswer: true });
  expect((await run(policy, [down], { failureOf })).tries).toBe(1);
  expect(outcomes).toEqual([true]);
});

test("when nobody waits any more, no further try is made", async () => {
  const { policy } = policyOf({ retry: constant });
  const until = new AbortController();
  const running = runWith(policy, () => Promise.reject(down), {
    until: until.signal,
  });
  const ended = expect(running).rejects.toThrow("gone");
  await jest.advanceTimersByTimeAsync(100);
  until.abort(new Error("gone"));
  await ended;
});
