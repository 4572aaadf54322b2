import { filterProblem, matches, withoutGroup } from "./topic-filter.ts";

test.each([
  ["a/b", "a/b", true],
  ["a/b", "a/b/c", false],
  ["a/+", "a/b", true],
  ["a/+", "a", false],
  ["a/+", "a/", true],
  ["a/+", "a/b/c", false],
  ["+/b", "a/b", true],
  ["+/+", "/", true],
  ["a/#", "a/b/c", true],
  ["a/#", "a", true],
  ["a/#", "ab", false],
  ["#", "a/b", true],
  ["#", "$SYS/load", false],
  ["+/load", "$SYS/load", false],
  ["$SYS/#", "$SYS/load", true],
])("the filter %s and the topic %s: %s", (filter, topic, expected) => {
  expect(matches(filter, topic)).toBe(expected);
});

test("a shared subscription is for the topics behind its group", () => {
  expect(withoutGroup("$share/group/a/+")).toBe("a/+");
  expect(withoutGroup("a/$share")).toBe("a/$share");
});

test.each([
  ["", "it is empty"],
  ["$share/group", "write $share/GROUP/TOPIC"],
  ["$share/group/", "it is empty"],
  ["a/#/b", "# may only be the last level"],
  ["a/b#", "+ and # may only be a whole level"],
  ["a+/b", "+ and # may only be a whole level"],
])("%p is no filter: %s", (filter, problem) => {
  expect(filterProblem(filter)).toBe(problem);
});

test.each(["a", "/", "a/+/#", "$share/group/#", "Grüße ☕"])(
  "%p is a filter",
  (filter) => {
    expect(filterProblem(filter)).toBeUndefined();
  },
);
