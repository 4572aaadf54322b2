import type { BreakerCounts } from "../../contracts/resiliency.ts";
import { createBreaker } from "./breaker.ts";

const policy = {
  maxRequests: 1,
  intervalMs: 0,
  timeoutMs: 1000,
  trip: "",
  trips: ({ consecutiveFailures }: BreakerCounts) => consecutiveFailures > 2,
};

/** A breaker with a clock of its own. */
function open(more: Partial<typeof policy> = {}) {
  let ms = 0;
  const changes: string[] = [];
  const breaker = createBreaker({
    policy: { ...policy, ...more },
    onChange: (from, to) => changes.push(`${from} ${to}`),
    now: () => ms,
  });
  const call = (isSuccess: boolean) => breaker.enter()(isSuccess);
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) call(false);
  };
  return { breaker, changes, call, fail, pass: (by: number) => (ms += by) };
}

test("it opens when its condition holds, and refuses calls until its time is over", () => {
  const { breaker, changes, call, fail, pass } = open();
  fail(2);
  call(true);
  fail(2);
  expect(breaker.state()).toBe("closed");
  fail(1);
  expect(breaker.state()).toBe("open");
  expect(() => call(true)).toThrow("circuit breaker is open");
  pass(1000);
  expect(() => call(true)).toThrow("circuit breaker is open");
  pass(1);
  call(true);
  expect(changes).toEqual([
    "closed open",
    "open half-open",
    "half-open closed",
  ]);
});

test("half open, it lets maxRequests through, and closes when that many have succeeded", () => {
  const { breaker, call, fail, pass } = open({ maxRequests: 2 });
  fail(3);
  pass(1001);
  const [one, two] = [breaker.enter(), breaker.enter()];
  expect(() => call(true)).toThrow("too many requests");
  one(true);
  expect(breaker.state()).toBe("half-open");
  two(true);
  expect(breaker.state()).toBe("closed");
});

test("a failure while it is half open opens it again, for the whole time", () => {
  const { breaker, changes, fail, pass } = open();
  fail(3);
  pass(1001);
  fail(1);
  expect(changes.at(-1)).toBe("half-open open");
  pass(1000);
  expect(breaker.state()).toBe("open");
  pass(1);
  expect(breaker.state()).toBe("half-open");
});

test("the counts begin anew after each interval while it is closed", () => {
  const { breaker, fail, pass } = open({ intervalMs: 500 });
  fail(2);
  pass(501);
  fail(2);
  expect(breaker.state()).toBe("closed");
  fail(1);
  expect(breaker.state()).toBe("open");
});

test("what began before a change does not count after it", () => {
  const { breaker, fail, pass } = open();
  const slow = breaker.enter();
  fail(3);
  pass(1001);
  expect(breaker.state()).toBe("half-open");
  slow(true);
  expect(breaker.state()).toBe("half-open");
});

test("the condition gets all counts, those of the failed call included", () => {
  const seen: BreakerCounts[] = [];
  const { breaker, call } = open({
    trips: (counts) => (seen.push({ ...counts }), false),
  });
  call(true);
  call(true);
  const waiting = breaker.enter();
  call(false);
  waiting(true);
  expect(seen).toEqual([
    {
      requests: 4,
      totalSuccesses: 2,
      totalFailures: 1,
      consecutiveSuccesses: 0,
      consecutiveFailures: 1,
    },
  ]);
});
