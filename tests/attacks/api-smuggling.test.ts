/** Requests that two servers could read differently are refused. Headers of the connection are passed on to nobody. */
import { stopAll, type Daprd } from "../support/daprd.ts";
import { order } from "../support/embedded.ts";
import { rawCall } from "../support/http.ts";
import { closeApps, type RecordingApp } from "../support/recording-app.ts";
import { startOrders } from "../support/orders-sidecar.ts";
import { waitFor } from "../wait-for.ts";

let sidecar: Daprd;
let app: RecordingApp;
beforeAll(async () => {
  ({ app, sidecar } = await startOrders());
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

const start = "POST /v1.0/bindings/orders HTTP/1.1\r\nHost: localhost\r\n";
const hidden =
  "PUT /v1.0/metadata/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";

test.each([
  [
    "length and chunks",
    `${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "chunks and length",
    `${start}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "two lengths",
    `${start}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ],
  [
    "a list of lengths",
    `${start}Content-Length: 0, ${hidden.length}\r\n\r\n${hidden}`,
  ],
  ["a signed length", `${start}Content-Length: +5\r\n\r\nhello${hidden}`],
  ["a negative length", `${start}Content-Length: -1\r\n\r\n${hidden}`],
  ["a hexadecimal length", `${start}Content-Length: 0x5\r\n\r\nhello`],
  ["an unknown coding", `${start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  [
    "chunked not last",
    `${start}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "white space before the colon",
    `${start}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["obsolete folding", `${start}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`],
  [
    "a bare line feed",
    `POST /v1.0/bindings/orders HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n`,
  ],
  [
    "a bare carriage return",
    `${start}X-A: b\rTransfer-Encoding: chunked\r\n\r\n`,
  ],
  ["NUL in a header", `${start}X-A: b\0c\r\n\r\n`],
  [
    "a bad chunk size",
    `${start}Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n`,
  ],
  [
    "an overlong chunk size",
    `${start}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n`,
  ],
  [
    "a chunk that runs on",
    `${start}Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n`,
  ],
  [
    "no Host",
    "POST /v1.0/bindings/orders HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
  ],
  ["a name with a space", `${start}X A: 1\r\n\r\n`],
  [
    "another version",
    "POST /v1.0/bindings/orders HTTP/1.7\r\nHost: localhost\r\n\r\n",
  ],
  ["no method", " /v1.0/bindings/orders HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
])(
  "a request with %s is answered with 400, and the connection ends",
  async (_, bytes) => {
    const { status, all } = await rawCall(sidecar.port, bytes);
    expect(status).toBe(400);
    expect(all.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  },
);

test("two Hosts are refused, whichever comes first", async () => {
  for (const hosts of [
    "Host: localhost\r\nHost: evil.com",
    "Host: evil.com\r\nHost: localhost",
  ]) {
    const { status } = await rawCall(
      sidecar.port,
      `GET /v1.0/metadata HTTP/1.1\r\n${hosts}\r\nConnection: close\r\n\r\n`,
    );
    expect([400, 403]).toContain(status);
  }
});

test("none of the requests hidden in them was served", async () => {
  const { extended } = (await sidecar.call("GET", "/v1.0/metadata")).json() as {
    extended: object;
  };
  expect(extended).not.toHaveProperty("smuggled");
  expect(app.posts()).toEqual([]);
});

test("headers of the request never become headers of the message", async () => {
  const body = order(1);
  const { status } = await rawCall(
    sidecar.port,
    `${start}Connection: close, X-Hop\r\nX-Hop: 1\r\nX-Forwarded-Host: evil.com\r\nKeep-Alive: timeout=1\r\nTE: trailers\r\nCookie: a=b\r\nAuthorization: Basic eA==\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  expect(status).toBe(204);
  const { headers } = await waitFor("the delivery", () => app.posts()[0]);
  for (const name of [
    "x-hop",
    "x-forwarded-host",
    "te",
    "cookie",
    "authorization",
  ])
    expect(headers).not.toHaveProperty(name);
  expect(headers.host).toBe(`127.0.0.1:${app.port}`);
});

test("two requests on one connection are two requests", async () => {
  const body = order(2);
  const one = `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
  const { all } = await rawCall(
    sidecar.port,
    one +
      one.replace("Host: localhost", "Host: localhost\r\nConnection: close"),
  );
  expect(all.match(/HTTP\/1\.1 204 /g)).toHaveLength(2);
  await waitFor("both orders", () => app.posts().length === 3);
});
