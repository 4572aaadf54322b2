import { fnv1a, forcedPartition, partitionOf } from "./partitioner.ts";

test("fnv1a gives the published 32-bit values, signed", () => {
  const of = (text: string) => fnv1a(Buffer.from(text)) >>> 0;
  expect(of("")).toBe(0x811c9dc5);
  expect(of("a")).toBe(0xe40c292c);
  expect(of("foobar")).toBe(0xbf9cf968);
  expect(fnv1a(Buffer.from("a"))).toBeLessThan(0);
});

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
