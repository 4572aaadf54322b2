/** No text that a caller or an app chooses makes a regular expression slow. Each text has 64 KB, more than a head may have. */
import { readHead } from "../../runtime/net/http1/head.ts";
import {
  requestHeaders,
  responseHeaders,
} from "../../runtime/blocks/invocation/headers.ts";
import { methodPath } from "../../runtime/contracts/method-path.ts";

const filled = (piece: string, tail = "") =>
  piece.repeat(Math.ceil(65_536 / piece.length)) + tail;
const paths = [
  filled("/"),
  filled("/a", "?"),
  filled("/.", "/"),
  filled("/..", "/"),
  filled("/%2e%2e%2f", "%"),
  `/${filled("a", "\u0001")}`,
  `/${filled("(", "%")}`,
  `/${filled("~.", " ")}`,
];
const values = [
  filled("timeout"),
  `timeout=${filled(" ", "x")}`,
  filled(", "),
  filled("timeout \t"),
  filled("close,", "\u00ff"),
];

/** The limit of this thread's processor time. Linear work takes about 5 ms, quadratic work seconds. */
const limitMs = 250;

function expectQuick(work: () => unknown) {
  const before = process.threadCpuUsage();
  try {
    work();
  } catch (error) {
    // The text may be refused as well, by the parser's own error.
    expect((error as Error).name).toMatch(/^(MethodPathError|ProtocolError)$/);
  }
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(limitMs);
}

test("paths of invoked methods are parsed in linear time", () => {
  for (const path of paths) expectQuick(() => methodPath(path));
});

test("headers of callers and of apps are parsed in linear time", () => {
  const options = { keepIdentity: false, dropToken: true };
  for (const value of values) {
    const headers = ["Connection", value, "Keep-Alive", value, "X-A", value];
    expectQuick(() => requestHeaders(headers, options));
    expectQuick(() => responseHeaders(headers));
    expectQuick(() =>
      readHead(
        `HTTP/1.1 200 OK\r\nConnection: ${value}\r\nKeep-Alive: ${value}`,
      ),
    );
    expectQuick(() => readHead(`HTTP/1.1 200 ${value}`));
    expectQuick(() => readHead(`HTTP/1.1 200 OK\r\n${value}`));
  }
});
