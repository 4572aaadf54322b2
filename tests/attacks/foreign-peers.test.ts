/** The port for other sidecars refuses everyone else. */
import { connect } from "node:net";
import type { Peers } from "../../runtime/contracts/invocation.ts";
import { listenPeers, type PeerServer } from "../../runtime/peers/server.ts";
import { request } from "../contracts/peers-contract.ts";
import { openPeers } from "../support/peers.ts";

let server: PeerServer;
let peers: Peers;
let calls = 0;
beforeAll(async () => {
  server = await listenPeers({
    addresses: ["127.0.0.1"],
    port: 0,
    appId: "attacked",
    receive: async () => {
      calls++;
      return { status: 200, headers: [], body: Buffer.from("secret") };
    },
    maxBodyBytes: 1024,
  });
  peers = openPeers(1024);
});
afterAll(async () => {
  await peers.close();
  await server.close();
});

/** Sends a request and resolves with the whole answer. */
const exchange = (lines: string[], body = "") =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
    socket.end([...lines, "", body].join("\r\n"));
  });

const sidecar = ["Host: dapr-sidecar", "dapr-peer: 1"];

test("a sidecar is served", async () => {
  expect(await exchange(["GET / HTTP/1.1", ...sidecar])).toContain("secret");
});

test.each([
  [
    "a browser's request",
    ["Host: localhost:47300", "Origin: http://evil.example"],
  ],
  ["a page whose name was rebound", ["Host: evil.example", "dapr-peer: 1"]],
  ["a request without the mark", ["Host: dapr-sidecar"]],
  ["the mark in another place", ["dapr-peer: 1", "Host: dapr-sidecar"]],
])("%s is refused", async (_name, headers) => {
  const before = calls;
  const answer = await exchange(
    ["POST /x HTTP/1.1", ...headers, "content-length: 2"],
    "{}",
  );
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer).not.toContain("secret");
  expect(calls).toBe(before);
});

test("a preflight is refused", async () => {
  const answer = await exchange([
    "OPTIONS /x HTTP/1.1",
    "Host: 127.0.0.1:47300",
    "Origin: http://evil.example",
    "Access-Control-Request-Headers: dapr-peer",
  ]);
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer.toLowerCase()).not.toContain("access-control");
});

test("a peer of another version is refused, and the answer says why", async () => {
  const before = calls;
  const answer = await exchange([
    "GET / HTTP/1.1",
    "Host: dapr-sidecar",
    "dapr-peer: 2",
  ]);
  expect(answer).toMatch(/^HTTP\/1\.1 505 /);
  expect(calls).toBe(before);
});

test.each([
  ["two lengths", ["content-length: 2", "content-length: 3"]],
  ["length and chunks", ["content-length: 2", "transfer-encoding: chunked"]],
])("a request with %s reaches no app", async (_name, headers) => {
  const before = calls;
  const answer = await exchange(
    ["POST / HTTP/1.1", ...sidecar, ...headers],
    "0\r\n\r\n",
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(calls).toBe(before);
});

test("an answer from a program that is no sidecar is not accepted", async () => {
  const { createServer } = await import("node:http");
  const stranger = createServer((_, outgoing) => outgoing.end("hello"));
  await new Promise<void>((resolve) =>
    stranger.listen(0, "127.0.0.1", resolve),
  );
  const { port } = stranger.address() as { port: number };
  // gRPC is tried next, which that program does not speak either.
  await expect(
    peers.call({ host: "127.0.0.1", port }, request()),
  ).rejects.toMatchObject({ name: "CallError", kind: "unavailable" });
  await new Promise((resolve) => stranger.close(resolve));
});
