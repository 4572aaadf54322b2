import { partitionOf } from "./kafka-partitioner.ts";

// FNV-1a of "a" is e40c292c, of "foobar" bf9cf968 (the authors' test vectors);
// as signed numbers -468965076 and -1080231576.
test.each([
  ["a", 7, 6],
  ["foobar", 7, 4],
  ["foobar", 10, 6],
  ["a", 1, 0],
])("%s of %i partitions goes to %i", (key, partitions, expected) => {
  expect(partitionOf(Buffer.from(key), partitions)).toBe(expected);
});
