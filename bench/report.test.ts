import { table, type Sample } from "./report.ts";

const sample = (
  target: string,
  round: number,
  value: number,
  othersShare = 0,
): Sample => ({
  backend: "kafka",
  metric: "output: rate",
  unit: "/s",
  better: "higher",
  target,
  round,
  value,
  othersShare,
});

test("ratios are taken within a round, and the worst ratio of a rate is the lowest", () => {
  const text = table(
    [
      sample("ours", 0, 200),
      sample("go", 0, 100),
      sample("ours", 1, 90),
      sample("go", 1, 60),
    ],
    ["ours", "go"],
  );
  expect(text).toMatch(/output: rate, \/s +145 +80.0 +1.75 \(1.50\)/);
});

test("a noisy sample is marked, a missing one is a dash", () => {
  const text = table([sample("ours", 0, 5, 0.4)], ["ours", "go"]);
  expect(text).toMatch(/5.00 ~ +- +-/);
});
