/** Connections that HTTP/2 gives up, by a flood of resets or a goodbye: the calls of others go on, and nothing stays open. */
import { readdirSync } from "node:fs";
import {
  connect,
  constants,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { frameMessage } from "../../runtime/net/grpc/messages.ts";
import { stopAll, type Daprd } from "../support/daprd.ts";
import { canReadMemory } from "../support/memory.ts";
import { startPair } from "../support/sidecar-pair.ts";
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../wait-for.ts";

/** Node's own server: after 1,000 resets it says goodbye to the connection, as apps of Dapr's SDK for JavaScript do. */
let app: Http2Server;
let goodbyes = 0;
let never = 0;
let later: ServerHttp2Stream[] = [];
const clients: ClientHttp2Session[] = [];
let caller: Daprd;

beforeEach(async () => {
  [goodbyes, never, later] = [0, 0, []];
  app = createServer();
  app.on("session", (session) => session.on("close", () => goodbyes++));
  app.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    const path = headers[":path"];
    if (path === "/test.Any/Never") never++;
    else if (path === "/test.Any/Later") later.push(stream);
    else if (path === "/test.Any/Much") {
      stream.respond(head);
      stream.end(message(Buffer.alloc(100_000)));
    }
  });
  await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
  const { port } = app.address() as AddressInfo;
  ({ caller } = await startPair(port, { args: ["--app-protocol", "grpc"] }));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await stopAll();
  app.close();
});

const head = { ":status": 200, "content-type": "application/grpc" };
const message = (data: Buffer) => Buffer.concat(frameMessage(data, 0));
function answer(stream: ServerHttp2Stream) {
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(message(Buffer.from("late")));
}

function open(settings = {}): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${caller.grpcPort}`, { settings });
  client.on("error", () => {});
  clients.push(client);
  return client;
}
function call(client: ClientHttp2Session, method: string, isWhole = true) {
  const stream = client.request({
    ":method": "POST",
    ":path": `/test.Any/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
    "dapr-app-id": "callee",
  });
  stream.on("error", () => {});
  stream.write(message(Buffer.from("x")));
  if (isWhole) stream.end();
  return stream;
}

test("calls that are called off by the thousand leave the others of their connections alone", async () => {
  const bystander = call(open(), "Later");
  const status = new Promise((resolve) => {
    bystander.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
    bystander.on("close", () => resolve("closed without a status"));
  });
  bystander.resume();
  await waitFor("the bystander's call", () => later.length === 1);
  const callers = Array.from({ length: 10 }, () => open());
  const own = call(callers[0]!, "Later");
  const ownStatus = new Promise((resolve) => {
    own.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
    own.on("close", () => resolve("closed without a status"));
  });
  own.resume();
  await waitFor("the caller's own call", () => later.length === 2);
  for (let round = 1; round <= 3; round++) {
    const calls = callers.flatMap((client) =>
      Array.from({ length: 80 }, () => call(client, "Never")),
    );
    await waitFor("the app to have them", () => never === round * calls.length);
    for (const one of calls) one.close(constants.NGHTTP2_CANCEL);
  }
  // The app has refused what comes by its first connection, so the next call goes by another.
  const next = call(open(), "Later");
  next.resume();
  await waitFor("the next call", () => later.length === 3);
  for (const stream of later) answer(stream);
  expect([await status, await ownStatus]).toEqual(["0", "0"]);
  await waitFor("the app's first connection to end", () => goodbyes > 0);
});

const whereDescriptorsAreKnown = canReadMemory ? test : test.skip;
whereDescriptorsAreKnown(
  "callers that go while answers wait for them leave no connection behind",
  async () => {
    const { pid } = caller;
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
    // What its first call needs stays open.
    const first = call(open(), "Later");
    await waitFor("the first call", () => later.length === 1);
    first.close(constants.NGHTTP2_CANCEL);
    const before = descriptors();
    const leave = async () => {
      const client = open({ initialWindowSize: 0 });
      const calls = Array.from({ length: 8 }, () =>
        call(client, "Much", false),
      );
      await Promise.all(
        calls.map(async (one, at) => {
          await new Promise((done) => one.on("response", done));
          await delay(10 * at);
          one.destroy();
        }),
      );
      await delay(20);
      client.close();
      await delay(50);
      client.destroy();
    };
    for (let n = 0; n < 8; n++)
      await Promise.all(Array.from({ length: 6 }, leave));
    await waitFor("its connections to end", () => descriptors() <= before + 2);
  },
);
