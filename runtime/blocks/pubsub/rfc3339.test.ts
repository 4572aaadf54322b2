import { inZone, localTime, utcTime } from "./rfc3339.ts";

const ms = Date.UTC(2024, 9, 1, 10, 5, 7, 999);

test("a time is told to the second, in its zone", () => {
  expect(utcTime(ms)).toBe("2024-10-01T10:05:07Z");
  expect(inZone(ms, 0)).toBe("2024-10-01T10:05:07Z");
  expect(inZone(ms, 120)).toBe("2024-10-01T12:05:07+02:00");
  expect(inZone(ms, -210)).toBe("2024-10-01T06:35:07-03:30");
  expect(inZone(ms, 840)).toBe("2024-10-02T00:05:07+14:00");
});

test("the local time is the time", () => {
  const before = Math.floor(Date.now() / 1000) * 1000;
  const told = Date.parse(localTime());
  expect(told).toBeGreaterThanOrEqual(before);
  expect(told).toBeLessThanOrEqual(Date.now());
});
