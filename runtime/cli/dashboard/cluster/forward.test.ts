import { forwardedPort } from "./forward.ts";

test.each([
  ["Forwarding from 127.0.0.1:40123 -> 3500", 40123],
  ["Forwarding from [::1]:40123 -> 3500", undefined],
  ["Handling connection for 40123", undefined],
  ["", undefined],
])("the port in %j", (line, port) => {
  expect(forwardedPort(line)).toBe(port);
});
