import { latencyOf, median, percentile } from "./stats.ts";

test("a percentile is a value that occurred", () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(percentile(values, 50)).toBe(50);
  expect(percentile(values, 99)).toBe(99);
  expect(percentile(values, 100)).toBe(100);
  expect(percentile([7], 99)).toBe(7);
  expect(() => percentile([], 50)).toThrow(/no samples/);
});

test("the median of an even count lies between the middle two", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("latencies are given unsorted in µs and returned in ms", () => {
  expect(latencyOf(Float64Array.of(3000, 1000, 2000))).toEqual({
    count: 3,
    mean: 2,
    p50: 2,
    p99: 3,
    max: 3,
  });
});
