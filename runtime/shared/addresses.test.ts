import {
  isLoopback,
  isWildcard,
  parseAddresses,
  withPort,
} from "./addresses.ts";

test.each([
  ["", []],
  ["[::1],127.0.0.1", ["::1", "127.0.0.1"]],
  [" [::1] , ,localhost", ["::1", "localhost"]],
  ["::", ["::"]],
])("%j lists %j", (text, addresses) => {
  expect(parseAddresses(text)).toEqual(addresses);
});

test("who reaches an address", () => {
  const all = [
    "127.0.0.1",
    "::1",
    "localhost",
    "0.0.0.0",
    "::",
    "",
    "10.0.0.1",
  ];
  expect(all.filter(isLoopback)).toEqual(["127.0.0.1", "::1", "localhost"]);
  expect(all.filter(isWildcard)).toEqual(["0.0.0.0", "::", ""]);
});

test("a port behind an address", () => {
  expect(withPort("127.0.0.1", 80)).toBe("127.0.0.1:80");
  expect(withPort("::1", 80)).toBe("[::1]:80");
});
