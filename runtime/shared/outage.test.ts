import { watchOutage } from "./outage.ts";

let told: string[];
const say = {
  found: (reason: string) => void told.push(reason),
  over: () => void told.push("works"),
};
beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  told = [];
});
afterEach(() => jest.useRealTimers());

test("a reason is told at once, the latest one each minute, and the end once", () => {
  const outage = watchOutage(say);
  outage.found("refused");
  outage.found("reset");
  jest.advanceTimersByTime(60_000);
  outage.found("closed");
  expect(outage.reason).toBe("closed");
  outage.over();
  outage.over();
  expect(told).toEqual(["refused", "closed", "works"]);
  expect(outage.reason).toBeUndefined();
});

test("what comes and goes within a second is not news", () => {
  const outage = watchOutage(say);
  outage.found("away");
  outage.over();
  outage.found("away");
  outage.over();
  expect(told).toEqual(["away", "works"]);
  jest.advanceTimersByTime(1000);
  outage.found("away");
  expect(told).toEqual(["away", "works", "away"]);
});

test("what fails for a moment only is not told, nor that it works", () => {
  const outage = watchOutage(say, { graceMs: 1000 });
  outage.found("no leader");
  jest.advanceTimersByTime(999);
  outage.found("no leader");
  outage.over();
  expect(told).toEqual([]);
  outage.found("no leader");
  jest.advanceTimersByTime(1000);
  outage.found("still none");
  expect(told).toEqual(["still none"]);
});

test("a reason that is news is told at once", () => {
  const outage = watchOutage(say, {
    isNews: (reason, before) => reason !== before,
  });
  for (const reason of ["away", "away", "denied", "denied"])
    outage.found(reason);
  expect(told).toEqual(["away", "denied"]);
});
