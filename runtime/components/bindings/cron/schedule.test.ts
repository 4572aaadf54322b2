import { parseSchedule } from "./schedule.ts";

/** The next times after an instant, as ISO texts without milliseconds. */
const times = (schedule: string, after: string, count = 3): string[] => {
  const { next } = parseSchedule(schedule);
  const found: string[] = [];
  let atMs = Date.parse(after);
  while (found.length < count) {
    atMs = next(atMs)!;
    found.push(new Date(atMs).toISOString().replace(".000Z", "Z"));
  }
  return found;
};

const noon = "2024-03-09T12:00:00.500Z"; // a Saturday

test.each([
  ["* * * * *", "2024-03-09T12:01:00Z 2024-03-09T12:02:00Z"],
  ["*/15 * * * * *", "2024-03-09T12:00:15Z 2024-03-09T12:00:30Z"],
  [
    "TZ=UTC 5/20 * * * *",
    "2024-03-09T12:05:00Z 2024-03-09T12:25:00Z 2024-03-09T12:45:00Z",
  ],
  [
    "TZ=UTC 30 6-8/2 * * *",
    "2024-03-10T06:30:00Z 2024-03-10T08:30:00Z 2024-03-11T06:30:00Z",
  ],
  ["TZ=UTC 0 0 1,15 * ?", "2024-03-15T00:00:00Z 2024-04-01T00:00:00Z"],
  ["TZ=UTC 0 0 * * MON-Fri", "2024-03-11T00:00:00Z 2024-03-12T00:00:00Z"],
  ["TZ=UTC 0 0 * Feb *", "2025-02-01T00:00:00Z 2025-02-02T00:00:00Z"],
  ["TZ=UTC 0 0 13 * FRI", "2024-03-13T00:00:00Z 2024-03-15T00:00:00Z"],
  ["TZ=UTC 0 0 29 2 *", "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z"],
  ["TZ=UTC ? ? ? ? ?", "2024-03-09T12:01:00Z"],
  ["CRON_TZ=Asia/Tokyo @daily", "2024-03-09T15:00:00Z 2024-03-10T15:00:00Z"],
  ["TZ=UTC @hourly", "2024-03-09T13:00:00Z"],
  ["TZ=UTC @weekly", "2024-03-10T00:00:00Z 2024-03-17T00:00:00Z"],
  ["TZ=UTC @monthly", "2024-04-01T00:00:00Z"],
  ["TZ=UTC @yearly", "2025-01-01T00:00:00Z"],
  ["TZ=UTC @annually", "2025-01-01T00:00:00Z"],
  ["TZ=UTC @midnight", "2024-03-10T00:00:00Z"],
  ["@every 1h30m10s", "2024-03-09T13:30:10Z 2024-03-09T15:00:20Z"],
  ["@every 500ms", "2024-03-09T12:00:01Z 2024-03-09T12:00:02Z"],
  ["  @every 2s ", "2024-03-09T12:00:02Z"],
])("%s", (schedule, expected) => {
  const list = expected.split(" ");
  expect(times(schedule, noon, list.length)).toEqual(list);
});

test("summer time: a time that is skipped comes after the gap, one that comes twice is used once", () => {
  expect(times("TZ=America/New_York 30 2 * * *", noon, 2)).toEqual([
    "2024-03-10T07:00:00Z", // 3:00, as there is no 2:30
    "2024-03-11T06:30:00Z",
  ]);
  expect(
    times("TZ=America/New_York 30 1 * * *", "2024-11-02T12:00:00Z", 2),
  ).toEqual(["2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"]);
});

test("summer time: an interval goes on in even steps", () => {
  const schedule = "TZ=America/New_York */30 * * * *";
  expect(times(schedule, "2024-11-03T05:10:00Z", 3)).toEqual([
    "2024-11-03T05:30:00Z",
    "2024-11-03T06:00:00Z",
    "2024-11-03T06:30:00Z",
  ]);
  expect(times(schedule, "2024-03-10T06:40:00Z", 2)).toEqual([
    "2024-03-10T07:00:00Z",
    "2024-03-10T07:30:00Z",
  ]);
});

test.each([
  ["", "it has 0 fields where 5 or 6 are expected"],
  ["1 2", "it has 2 fields"],
  ["* * * * * * *", "it has 7 fields"],
  ["60 * * * *", 'minute "60": it goes from 0 to 59'],
  ["* 24 * * *", 'hour "24": it goes from 0 to 23'],
  ["* * 0 * *", 'day of month "0": it goes from 1 to 31'],
  ["* * * 13 *", 'month "13": it goes from 1 to 12'],
  ["* * * * 7", 'day of week "7": it goes from 0 to 6'],
  ["61 * * * * *", 'second "61": it goes from 0 to 59'],
  ["x * * * *", 'minute "x": "x" is not a number'],
  ["* * * foo *", '"foo" is not a number or a name'],
  ["mon * * * *", '"mon" is not a number'],
  ["5-1 * * * *", "5 is beyond 1, where the range ends"],
  ["*/0 * * * *", 'the step "0" is not a number above 0'],
  ["*/x * * * *", 'the step "x" is not a number above 0'],
  ["1-5/2/3 * * * *", "each at most once"],
  ["1,, * * * *", '"" is not a number'],
  ["* * L * *", '"L" is not a number'],
  ["* * 15W * *", '"15W" is not a number'],
  ["* * * * 5#2", '"5#2" is not a number or a name'],
  ["0 0 30 2 *", "there is no such date"],
  ["@evry 5s", "@evry 5s is none of @yearly"],
  ["@every 5", "@every 5 has no unit, as in 5s"],
  ["@every soon", '"soon" is not a duration'],
  ["TZ=Mars/Olympus * * * * *", "there is no time zone Mars/Olympus"],
])("%j is refused", (schedule, message) => {
  expect(() => parseSchedule(schedule)).toThrow(message);
});
