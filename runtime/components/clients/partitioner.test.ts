import { forcedPartition, partitionOf } from "./partitioner.ts";

test("a key always goes to one partition, no key to any", () => {
  // -467523284 % 7 = -1, made positive
  expect(partitionOf("a", 7)).toBe(Math.abs((0xe40c292c | 0) % 7));
  const seen = new Set(
    Array.from({ length: 500 }, () => partitionOf(undefined, 4)),
  );
  expect([...seen].sort()).toEqual([0, 1, 2, 3]);
});

test("partitionNumber forces a partition and must exist", () => {
  expect(forcedPartition(undefined, 4, "t")).toBeUndefined();
  expect(forcedPartition("3", 4, "t")).toBe(3);
  for (const bad of ["4", "-1", "x", "1.5"])
    expect(() => forcedPartition(bad, 4, "t")).toThrow(
      `partitionNumber "${bad}"`,
    );
});
