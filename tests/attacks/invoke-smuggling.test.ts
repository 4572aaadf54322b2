/** Invocation: a message that two servers could read differently is refused or written again, on the way to the app and back. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { rawCall } from "../support/http.ts";
import { startRawApp, type RawApp } from "../support/raw-app.ts";

let app: RawApp;
let sidecar: Daprd;
let seen: string;
let answer: string;

beforeAll(async () => {
  app = await startRawApp((socket) => {
    socket.on("data", (bytes) => {
      seen += bytes.toString("latin1");
      if (seen.includes("\r\n\r\n")) socket.write(answer, "latin1");
    });
  });
  sidecar = await startDaprd({ appPort: app.port, until: "ready" });
});
afterAll(async () => {
  await stopAll();
  await app.close();
});
beforeEach(() => {
  seen = "";
  answer =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
});

const start =
  "POST /a HTTP/1.1\r\nHost: localhost\r\ndapr-app-id: testapp\r\nConnection: close\r\n";

test.each([
  [
    "length and chunks",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hidden",
  ],
  ["two lengths", "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello"],
  ["folding", "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n"],
  ["a bare CR", "X-A: b\rX-B: c\r\nContent-Length: 0\r\n\r\n"],
  ["a bad chunk", "Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n"],
])("%s is refused", async (_, rest) => {
  const { status } = await rawCall(sidecar.port, start + rest);
  expect(status).toBe(400);
  // The app may have been called with the beginning of the body, but never with the request hidden in it.
  expect(seen).not.toContain("hidden");
  expect(seen).not.toMatch(/0\r\n\r\n$/);
});

test("headers of the connection are not passed on, and the sidecar frames the request itself", async () => {
  await rawCall(
    sidecar.port,
    "POST /a HTTP/1.1\r\nHost: localhost\r\ndapr-app-id: testapp\r\nConnection: close, X-Hop, Content-Length\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X-T\r\nUpgrade: websocket\r\nProxy-Authorization: x\r\nX-Kept: 1\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhi\r\n0\r\nX-T: trailer\r\n\r\n",
  );
  expect(seen).toMatch(/^POST \/a HTTP\/1\.1\r\n/);
  expect(seen).toMatch(/\r\nX-Kept: 1\r\n/);
  expect(seen).toMatch(
    /\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n$/,
  );
  expect(seen).not.toMatch(
    /^(x-hop|keep-alive|te|trailer|upgrade|proxy-authorization|x-t|connection):/im,
  );
});

test.each([
  [
    "length and chunks",
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
  ],
  ["two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!"],
  ["a signed length", "Content-Length: +2\r\n\r\nok"],
  ["chunked twice", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"],
  ["folding", "X-A: b\r\n X-B: c\r\nContent-Length: 0\r\n\r\n"],
  ["a bare LF", "X-A: b\nX-B: c\r\nContent-Length: 0\r\n\r\n"],
  ["a NUL", "X-A: b\0\r\nContent-Length: 0\r\n\r\n"],
  ["a space before the colon", "Content-Length : 2\r\n\r\nok"],
])("an app's answer with %s is an error", async (_, rest) => {
  answer = `HTTP/1.1 200 OK\r\n${rest}`;
  const reply = await rawCall(
    sidecar.port,
    `${start}Content-Length: 0\r\n\r\n`,
  );
  expect(reply.status).toBe(500);
  expect(JSON.parse(reply.body)).toMatchObject({
    errorCode: "ERR_DIRECT_INVOKE",
  });
});

test("a second answer after the first reaches nobody", async () => {
  answer =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
  for (let i = 0; i < 3; i++) {
    seen = "";
    const { all } = await rawCall(
      sidecar.port,
      `${start}Content-Length: 0\r\n\r\n`,
    );
    expect(all).toMatch(/ok$/);
    expect(all).not.toContain("smuggled");
  }
});

test("an answer's headers of the connection are not passed on", async () => {
  answer =
    "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nUpgrade: h2c\r\nX-Kept: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
  const { head } = await rawCall(
    sidecar.port,
    `${start}Content-Length: 0\r\n\r\n`,
  );
  expect(head).toMatch(/^X-Kept: 1$/m);
  expect(head).not.toMatch(/^(x-hop|keep-alive|upgrade):/im);
});
