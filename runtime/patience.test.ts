import { Patience } from "./patience.ts";

test("pauses double up to the most, scattered by a quarter, and begin anew after a success", () => {
  const patience = new Patience(1000, 5000);
  const pauses = [0.5, 0.5, 0.5, 0.5, 0, 1].map((r) => patience.pauseMs(r));
  expect(pauses).toEqual([1000, 2000, 4000, 5000, 3750, 6250]);
  patience.over();
  expect(patience.pauseMs(0.5)).toBe(1000);
});

test("a reason is told when it is new, and each minute", () => {
  const patience = new Patience();
  const told = [
    patience.shouldTell("away", 0),
    patience.shouldTell("away", 59_999),
    patience.shouldTell("denied", 59_999),
    patience.shouldTell("denied", 119_998),
    patience.shouldTell("denied", 120_000),
  ];
  expect(told).toEqual([true, false, true, false, true]);
  expect(patience.over()).toBe(true);
  expect(patience.over()).toBe(false);
  expect(patience.shouldTell("denied", 120_001)).toBe(true);
});
