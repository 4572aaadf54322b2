import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { waitFor } from "../../../tests/wait-for.ts";
import { createGrpcClient, type GrpcClient } from "./client.ts";

let server: Http2Server;
let client: GrpcClient;
let connections = 0;
let waiting: ServerHttp2Stream[] = [];
beforeEach(async () => {
  connections = 0;
  waiting = [];
  server = createServer({ settings: { maxConcurrentStreams: 1 } });
  server.on("session", () => connections++);
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    waiting.push(stream);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  client = createGrpcClient({ host: "127.0.0.1", port, maxMessageBytes: 0 });
});
afterEach(() => {
  client.close();
  server.close();
});

const method = {
  path: "/test.Any/Echo",
  requestSerialize: (text: string) => [Buffer.from(text)],
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};
function answer(stream: ServerHttp2Stream) {
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "x-id": "1" },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 111, 107]));
}

test("a server that takes one call at a time gets 16 connections at most, and every call its turn", async () => {
  const calls = Array.from({ length: 100 }, () => client.unary(method, "x"));
  await waitFor("the first ones", () => waiting.length === 16);
  let answered = 0;
  while (answered < calls.length) {
    const stream = await waitFor("the next one", () => waiting.shift());
    answer(stream);
    answered++;
  }
  expect(await Promise.all(calls)).toEqual(calls.map(() => "ok"));
  expect(connections).toBe(16);
});

test("a call that is called off while it waits gives its turn to the next one", async () => {
  const first = Array.from({ length: 16 }, () => client.unary(method, "x"));
  await waitFor("the first ones", () => waiting.length === 16);
  const giveUp = new AbortController();
  const off = client.unary(method, "x", { signal: giveUp.signal });
  const last = client.unary(method, "x");
  giveUp.abort(new Error("not wanted"));
  await expect(off).rejects.toThrow("not wanted");
  for (const stream of waiting.splice(0)) answer(stream);
  answer(await waitFor("the last one", () => waiting.shift()));
  expect(await Promise.all([...first, last])).toEqual(
    Array.from({ length: 17 }, () => "ok"),
  );
});
