import { judge, lineThrough } from "./soak-watch.ts";

/** A sample every 36 s for two hours. */
const samples = (mb: (hours: number) => number) =>
  Array.from({ length: 200 }, (_, i) => ({
    hours: i / 100,
    mb: mb(i / 100),
  }));
const wave = (hours: number) => 80 + Math.sin(hours * 40) * 3;
const watched = (mb: (hours: number) => number, fds: number[]) => ({
  all: [{ name: "caller", pid: 1, samples: samples(mb), fds }],
});

test("the slope of a line comes with its standard error", () => {
  const steep = lineThrough(samples((hours) => 50 + 4 * hours));
  expect(steep.slope).toBeCloseTo(4);
  expect(steep.error).toBeCloseTo(0);
  const flat = lineThrough(samples(wave));
  expect(Math.abs(flat.slope)).toBeLessThan(1);
  expect(flat.error).toBeGreaterThan(0.1);
  expect(lineThrough(samples(wave).slice(0, 2)).slope).toBeNaN();
});

test("memory that goes up and down is steady, memory that climbs is not", () => {
  expect(judge(watched(wave, [40, 42, 41]), 120)).toMatchObject({
    isSteady: true,
  });
  const climbing = judge(
    watched((hours) => wave(hours) + 5 * hours, [40, 40]),
    120,
  );
  expect(climbing.isSteady).toBe(false);
  expect(climbing.text).toMatch(/GROWS by more than 1/);
});

test("descriptors that stay open are a leak", () => {
  const leaking = judge(watched(wave, [40, 45, 60]), 120);
  expect(leaking).toMatchObject({ isSteady: false });
  expect(leaking.text).toMatch(/descriptors 40 → 60 LEAK/);
});

test("a short run's slope is printed, but never a failure", () => {
  expect(
    judge(
      watched((hours) => 50 * hours, [40, 40]),
      10,
    ).isSteady,
  ).toBe(true);
});
