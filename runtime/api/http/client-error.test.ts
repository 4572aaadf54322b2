import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Logger } from "../../shared/log.ts";
import { listen, type HttpApi } from "./server.ts";

let api: HttpApi;
beforeAll(async () => {
  api = await listen(["127.0.0.1"], 0, {
    routes: [],
    fallback: () => ({ status: 204 }),
    maxBodyBytes: 1000,
    readBufferBytes: 4096,
    headerTimeoutMs: 100,
    log: { warn() {}, error() {} } as unknown as Logger,
  });
});
afterAll(() => api.close());

/** All that comes before the server ends the connection. */
const answerTo = (bytes: string) => {
  const socket = connect(api.addresses[0]!.port, "127.0.0.1");
  socket.write(bytes);
  return text(socket);
};

test("a connection that asks nothing ends without a word, half a head is told", async () => {
  const [nothing, half] = await Promise.all([
    answerTo(""),
    answerTo("GET / HTTP/1.1\r\nHost: l"),
  ]);
  expect(nothing).toBe("");
  expect(half).toMatch(/^HTTP\/1\.1 408 /);
});
