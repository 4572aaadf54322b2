/** The times that gRPC sends with a call, and what it says of others (PROTOCOL-HTTP2.md, "Timeout"; texts as in grpc-go). */
import { decodeTimeout, encodeTimeout, timeoutError } from "./timeout.ts";

test.each([
  [0, "0m"],
  [0.1, "1m"],
  [1500, "1500m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [1e12, "16666667M"],
  [1e15, "99999999H"],
])("%d ms are %s", (ms, text) => {
  expect(encodeTimeout(ms)).toBe(text);
});

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["4m", 4],
  ["5000u", 5],
  ["6000000n", 6],
  ["0S", 0],
  ["1n", 1e-6],
  ["+1S", 1000],
  ["-1S", 0],
])("the timeout %j is %p ms", (text, ms) => {
  expect(timeoutError(text)).toBeUndefined();
  expect(decodeTimeout(text)).toBe(ms);
});

test.each([
  ["", 'transport: timeout string is too short: ""'],
  ["S", 'transport: timeout string is too short: "S"'],
  ["123456789m", 'transport: timeout string is too long: "123456789m"'],
  ["1s", 'transport: timeout unit is not recognized: "1s"'],
  ["10", 'transport: timeout unit is not recognized: "10"'],
  ["1.5S", 'strconv.ParseInt: parsing "1.5": invalid syntax'],
  ["abS", 'strconv.ParseInt: parsing "ab": invalid syntax'],
])("the timeout %j is none", (text, error) => {
  expect(timeoutError(text)).toBe(error);
});
