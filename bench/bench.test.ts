import {
  requireAcked,
  requireCalled,
  requireDelivered,
  requireSaved,
} from "./bench.ts";

const load = {
  sent: 10,
  acked: 10,
  failed: 0,
  firstFailure: undefined,
  counted: 8,
  elapsedMs: 1000,
  latency: undefined,
};
const tally = {
  unique: 10,
  duplicates: 0,
  outOfOrder: 0,
  elapsedMs: 1,
  latency: undefined,
};

test("an acknowledged order that is not stored is an error, not a figure", () => {
  expect(() => requireAcked(load, 9)).toThrow(
    "LOST: 10 orders acknowledged, 9 stored",
  );
  expect(() => requireAcked(load, 11)).not.toThrow(); // one was stored twice, which "at least once" allows
  expect(() =>
    requireAcked({ ...load, acked: 9, failed: 1, firstFailure: "HTTP 500" }, 9),
  ).toThrow(/1 of 10 orders failed, the first with: HTTP 500/);
});

test("a sample may have a few refused saves, but not many, and no lost ones", () => {
  const refused = { ...load, sent: 1000, acked: 990, failed: 10 };
  expect(() => requireSaved(refused, 990)).not.toThrow();
  expect(() => requireSaved({ ...refused, failed: 11 }, 990)).toThrow(
    /11 of 1000 orders failed/,
  );
  expect(() => requireSaved(refused, 989)).toThrow("LOST");
});

test("a call that reaches the app twice, or not at all, is an error", () => {
  expect(() => requireCalled(load, 10)).not.toThrow();
  expect(() => requireCalled(load, 11)).toThrow(
    "10 calls answered, but the app was called 11 times",
  );
  expect(() => requireCalled(load, 9)).toThrow("called 9 times");
});

test("an order that never reached the app is an error, not a figure", () => {
  expect(() => requireDelivered(tally, 11)).toThrow(
    "LOST: 10 of 11 orders reached the app",
  );
  expect(() => requireDelivered(tally, 10)).not.toThrow();
});
