import { isAfter, splitStamp } from "./pod-logs.ts";

test.each([
  ["2026-11-21T08:00:00.123456789Z a line", "a line"],
  ["2026-11-21T08:00:00Z a line", "a line"],
  ["2026-11-21T08:00:00.1Z ", ""],
  ["2026-11-21T08:00:00.1Z", ""],
  ["2026-11-21T08:00:00.1Z   two blanks\r", "  two blanks\r"],
])("the time in front of %j is cut off", (line, text) => {
  const split = splitStamp(line);
  expect(split.text).toBe(text);
  expect(split.time).toMatch(/^2026-.*Z$/);
});

test("a line without a time is whole", () => {
  const line = "unable to retrieve container logs";
  expect(splitStamp(line)).toEqual({ time: "", text: line });
});

test("times are compared whatever decimals they have", () => {
  const base = "2026-11-21T08:00:00";
  expect(isAfter(`${base}.5Z`, `${base}.123456789Z`)).toBe(true);
  expect(isAfter(`${base}.5Z`, `${base}.500000001Z`)).toBe(false);
  expect(isAfter(`${base}.5Z`, `${base}.500Z`)).toBe(false);
  expect(isAfter(`${base}.1Z`, `${base}Z`)).toBe(true);
  expect(isAfter(`${base}Z`, `${base}.1Z`)).toBe(false);
  expect(isAfter(`${base}Z`, "")).toBe(true);
});
