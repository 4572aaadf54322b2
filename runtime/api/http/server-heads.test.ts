/** Heads that could be read in two ways. */
import { rawCall } from "../../../tests/support/http.ts";
import type { Logger } from "../../shared/log.ts";
import { createGuard } from "./guard.ts";
import { listen, type HttpApi } from "./server.ts";

let api: HttpApi;
let served = 0;
const serve = (allowedHosts: string) =>
  listen(["127.0.0.1"], 0, {
    routes: [],
    fallback: () => {
      served++;
      return { status: 204 };
    },
    guard: createGuard({
      allowedOrigins: "",
      allowedHosts,
      allowRemoteShutdown: false,
    }),
    maxBodyBytes: 1000,
    readBufferBytes: 4096,
    log: { warn() {}, error() {} } as unknown as Logger,
  });
beforeAll(async () => {
  api = await serve("");
});
afterAll(() => api.close());

const statusOf = async (target: string, headers: string, body = "", at = api) =>
  (
    await rawCall(
      at.addresses[0]!.port,
      `POST ${target} HTTP/1.1\r\nConnection: close\r\n${headers}\r\n\r\n${body}`,
    )
  ).status;

test.each([
  ["http://evil.com/a", "localhost", 403],
  ["HTTP://evil.com:80/a", "localhost", 403],
  ["http://localhost@evil.com/a", "localhost", 403],
  ["http://localhost/a", "evil.com", 204],
  ["/a", "evil.com", 403],
  ["/a?http://evil.com/", "localhost", 204],
])(
  "%s with the Host %s: the target's authority counts",
  async (target, host, status) => {
    expect(await statusOf(target, `Host: ${host}\r\nContent-Length: 0`)).toBe(
      status,
    );
  },
);

test.each([
  ["[::1", 403],
  ["[::1]evil.com", 403],
  ["[evil.com]", 403],
  ["[127.0.0.1]", 403],
  ["[::1]:80:90", 403],
  ["localhost:x", 403],
  ["localhost, evil.com", 403],
  ["localhost\r\nHost: evil.com", 403],
  ["localhost\r\nHost: localhost", 403],
  ["[::1]:3500", 204],
  ["127.0.0.1:", 204],
])("the Host %j gets %i", async (host, status) => {
  expect(await statusOf("/a", `Host: ${host}\r\nContent-Length: 0`)).toBe(
    status,
  );
});

test.each([
  ["evil.com", 204],
  ["[::1]evil.com", 400],
  ["a\r\nHost: a", 400],
])("where any name is served, the Host %j gets %i", async (host, status) => {
  const open = await serve("*");
  expect(
    await statusOf("/a", `Host: ${host}\r\nContent-Length: 0`, "", open),
  ).toBe(status);
  await open.close();
});

test("a Transfer-Encoding besides chunked is refused, not passed on without it", async () => {
  served = 0;
  const send = (coding: string) =>
    statusOf(
      "/a",
      `Host: localhost\r\nTransfer-Encoding: ${coding}`,
      "1\r\nx\r\n0\r\n\r\n",
    );
  expect(await send("gzip, chunked")).toBe(400);
  expect(served).toBe(0);
  expect(await send("Chunked")).toBe(204);
});
