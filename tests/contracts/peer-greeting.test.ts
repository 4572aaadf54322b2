/** A sidecar finds out by a greeting on a first connection which protocol another one speaks, whatever the resolver says. */
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import type { Forward, Peers } from "../../runtime/contracts/invocation.ts";
import { listenPeers, type PeerServer } from "../../runtime/peers/server.ts";
import { closeWires, openGrpcWire, openWire } from "../support/peer-wire.ts";
import { openPeers } from "../support/peers.ts";
import { waitFor } from "../wait-for.ts";
import { request, wholeOf } from "./peers-contract.ts";

const host = "127.0.0.1";
let receive: Forward;
let seen: string[];
let servers: PeerServer[];
let peers: Peers;
let log: string[];

const listen = async (port = 0) => {
  const server = await listenPeers({
    addresses: [host],
    port,
    appId: "greeted",
    receive: (call) => receive(call),
    maxBodyBytes: 0,
  });
  servers.push(server);
  return server;
};

beforeEach(() => {
  servers = [];
  seen = [];
  log = [];
  receive = async (call) => {
    const body = await wholeOf(call.body);
    seen.push(`${call.method} ${call.path} ${body.toString()}`);
    return { status: 200, headers: [], body };
  };
  peers = openPeers(0, log);
});
afterEach(async () => {
  await peers.close();
  await closeWires();
  await Promise.all(servers.map((server) => server.close()));
});

async function turns() {
  for (let left = 5; left > 0; left--) await turn();
}

const echo = async (port: number, body: string | Readable = "hello") => {
  const reply = await peers.call(
    { host, port },
    request({ body: typeof body === "string" ? Buffer.from(body) : body }),
  );
  return (await wholeOf(reply.body)).toString();
};

test("the first calls share one greeting, and the first of them takes its connection", async () => {
  const { port } = await listen();
  const begun = Promise.withResolvers<() => void>();
  const wire = await openWire(port, (_, lead) => begun.resolve(lead));
  const calls = Array.from({ length: 10 }, (_, i) => echo(wire.port, `${i}`));
  const lead = await begun.promise;
  expect(wire.greetings()).toBe(1);
  lead();
  expect(await calls[0]).toBe("0");
  await wire.close();
  expect(wire.http2()).toBe(0);
  expect(log.join("")).toContain("speaks the direct protocol");
  await Promise.allSettled(calls);
});

test("a greeting does not reach the app, and later calls use its connection", async () => {
  const { port } = await listen();
  const wire = await openWire(port, (_, lead) => lead());
  for (const word of ["one", "two"]) {
    expect(await echo(wire.port, word)).toBe(word);
    await turns(); // until the connection is kept for the next call
  }
  expect(wire.greetings()).toBe(1);
  expect(seen).toEqual([
    "POST /neworder?x=1&y=%20 one",
    "POST /neworder?x=1&y=%20 two",
  ]);
});

const answers: [string, (near: Socket) => void][] = [
  [
    "HTTP/2's settings",
    (near) => near.end(Buffer.from("000000040000000000", "hex")),
  ],
  ["the end", (near) => near.end()],
  ["a reset", (near) => near.resetAndDestroy()],
  ["a TLS alert", (near) => near.end(Buffer.from("15030100020246", "hex"))],
  [
    "another version",
    (near) => near.end("HTTP/1.1 505 X\r\ncontent-length: 0\r\n\r\n"),
  ],
  [
    "another version's mark",
    (near) => near.write("HTTP/1.1 204 X\r\ndapr-peer: 2\r\n\r\n"),
  ],
  ["no mark", (near) => near.write("HTTP/1.1 204 No Content\r\n\r\n")],
  [
    "another status",
    (near) =>
      near.write(
        "HTTP/1.1 200 OK\r\ndapr-peer: 1\r\ncontent-length: 0\r\n\r\n",
      ),
  ],
  [
    "a page",
    (near) => near.write("HTTP/1.1 404 X\r\ncontent-length: 5\r\n\r\nhello"),
  ],
  [
    "more than was asked",
    (near) =>
      near.write(
        "HTTP/1.1 204 X\r\ndapr-peer: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
      ),
  ],
  [
    "an answer and the end",
    (near) =>
      near.end("HTTP/1.1 204 X\r\ndapr-peer: 1\r\nconnection: close\r\n\r\n"),
  ],
  ["nothing in time", () => {}],
];
test.each(answers)(
  "after a greeting that is answered by %s, gRPC is used, also for a body that can be sent only once",
  async (_name, answer) => {
    const { port } = await listen();
    const wire = await openWire(port, answer);
    expect(
      await echo(
        wire.port,
        Readable.from(["a", "b"].map((text) => Buffer.from(text))),
      ),
    ).toBe("ab");
    expect(await echo(wire.port)).toBe("hello");
    expect(wire.greetings()).toBe(1);
    expect(wire.http2()).toBe(1);
    expect(log.join("")).toMatch(/is called by gRPC: /);
  },
);

test("a sidecar that shuts down answers a greeting with that, and another one is called", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const server = await listen();
  receive = async () => {
    begun.resolve();
    await go.promise;
    return { status: 200, headers: [], body: Buffer.alloc(0) };
  };
  const slow = echo(server.port);
  await begun.promise;
  server.leave();
  const late = openPeers();
  await expect(
    late.call({ host, port: server.port }, request()),
  ).rejects.toMatchObject({
    kind: "unavailable",
    unsent: true,
    message: "the sidecar shuts down",
  });
  go.resolve();
  await slow;
  await late.close();
});

test("a caller that leaves during a greeting is let go at once, and the greeting serves the others", async () => {
  const { port } = await listen();
  const begun = Promise.withResolvers<() => void>();
  const wire = await openWire(port, (_, lead) => begun.resolve(lead));
  const abort = new AbortController();
  const left = peers.call(
    { host, port: wire.port },
    request({ signal: abort.signal }),
  );
  const stays = echo(wire.port);
  const lead = await begun.promise;
  abort.abort(new Error("the app hung up"));
  await expect(left).rejects.toThrow("the app hung up");
  lead();
  expect(await stays).toBe("hello");
  expect(wire.greetings()).toBe(1);
});

test("a body that breaks off during a greeting fails only its own call", async () => {
  const { port } = await listen();
  const begun = Promise.withResolvers<() => void>();
  const wire = await openWire(port, (_, lead) => begun.resolve(lead));
  const body = new Readable({ read() {} });
  const call = echo(wire.port, body);
  call.catch(() => {});
  const lead = await begun.promise;
  body.destroy(new Error("the caller's app died"));
  lead();
  await expect(call).rejects.toThrow();
  expect(await echo(wire.port)).toBe("hello");
  expect(seen).toHaveLength(1);
});

test("when a sidecar of the other kind takes over an address, no call is lost or comes twice", async () => {
  const { port } = await listen();
  let wire = await openWire(port, (_, lead) => lead());
  const address = wire.port;
  expect(await echo(address, "direct 1")).toBe("direct 1");
  for (const round of [1, 2]) {
    await wire.close();
    await turns(); // until the other end has heard of it
    wire = await openGrpcWire(port, address);
    expect(
      await echo(address, Readable.from([Buffer.from(`grpc ${round}`)])),
    ).toBe(`grpc ${round}`);
    expect(await echo(address, "kept")).toBe("kept");
    expect(wire.http2()).toBe(1);
    await wire.close();
    await turns(); // until the other end has heard of it
    wire = await openWire(port, (_, lead) => lead(), address);
    expect(await echo(address, Readable.from([Buffer.from("direct")]))).toBe(
      "direct",
    );
    expect([wire.greetings(), wire.http2()]).toEqual([1, 0]);
  }
  expect(seen).toHaveLength(7);
});

test("a call that needs a new connection notices the other kind too", async () => {
  const { port } = await listen();
  const go = Promise.withResolvers<void>();
  let isOther = false;
  const wire = await openWire(port, (near, lead) =>
    isOther ? near.destroy() : lead(),
  );
  const answer = receive;
  receive = async (call) => {
    if (call.path === "/slow") await go.promise;
    return answer(call);
  };
  const slow = peers.call(
    { host, port: wire.port },
    request({ path: "/slow" }),
  );
  await waitFor("the greeting", () => wire.greetings() === 1);
  isOther = true;
  expect(await echo(wire.port, Readable.from([Buffer.from("once")]))).toBe(
    "once",
  );
  go.resolve();
  expect((await slow).status).toBe(200);
  expect(seen).toHaveLength(2);
});
