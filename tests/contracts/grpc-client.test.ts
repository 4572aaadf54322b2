/** Our gRPC client against the server of `@grpc/grpc-js`. */
import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { ClientCall } from "../../runtime/net/grpc/call.ts";
import {
  createGrpcClient,
  type GrpcClient,
} from "../../runtime/net/grpc/client.ts";
import { anybody } from "../../runtime/net/grpc/connection.ts";
import { binaryValue } from "../../runtime/net/grpc/metadata.ts";
import { GrpcError } from "../../runtime/net/grpc/status.ts";
import { untilStill } from "../support/stand-still.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { hasOpenssl, makeCertificates } from "../support/tls.ts";
import { waitFor } from "../wait-for.ts";

type Duplex = ServerDuplexStream<Buffer, Buffer>;
const asIs = (bytes: Buffer) => bytes;
const once = {
  path: "/test.Echo/Once",
  requestSerialize: asIs,
  responseDeserialize: asIs,
};
const both = "/test.Echo/Both";
const maxMessageBytes = 1024 * 1024;

let server: Server;
let port: number;
let client: GrpcClient;
let onUnary: (
  call: ServerUnaryCall<Buffer, Buffer>,
  reply: sendUnaryData<Buffer>,
) => void;
let onStream: (call: Duplex) => void;

async function start(
  credentials = ServerCredentials.createInsecure(),
  trustAnchors?: string,
  host = "127.0.0.1",
) {
  server = new Server({ "grpc.max_receive_message_length": -1 });
  const definition = (path: string, isStream: boolean) => ({
    path,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  });
  server.addService(
    { Once: definition(once.path, false), Both: definition(both, true) },
    {
      Once: (
        call: ServerUnaryCall<Buffer, Buffer>,
        reply: sendUnaryData<Buffer>,
      ) => onUnary(call, reply),
      Both: (call: Duplex) => onStream(call),
    },
  );
  port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  client = createGrpcClient({ host, port, trustAnchors, maxMessageBytes });
}

beforeEach(async () => {
  await start();
  onUnary = ({ request }, reply) => reply(null, request);
  onStream = (call) => {
    call.on("data", (message: Buffer) => call.write(message));
    call.on("end", () => call.end());
  };
});
afterEach(() => {
  client.close();
  server.forceShutdown();
});

/** Opens a stream call and collects everything that it receives. */
async function open(options = {}) {
  const messages: Buffer[] = [];
  const heads: Record<string, unknown>[] = [];
  const end = Promise.withResolvers<Error | undefined>();
  const call: ClientCall = await client.start(
    both,
    {
      onHead: (head) => heads.push(head),
      onMessage: (message) => messages.push(Buffer.from(message)),
      onEnd: end.resolve,
    },
    options,
  );
  return { call, messages, heads, end: end.promise };
}

test("a message is sent and answered", async () => {
  const sent = Buffer.from("hello");
  expect(await client.unary(once, sent)).toEqual(sent);
});

test("what is said around one message: metadata before it, and behind it", async () => {
  onUnary = (call, reply) => {
    const [head, trailers] = [new Metadata(), new Metadata()];
    head.set("x-head", "1");
    call.sendMetadata(head);
    trailers.set("x-tail", "2");
    reply(null, call.request, trailers);
  };
  const told: unknown[] = [];
  await client.unary(once, Buffer.alloc(1), {
    onHead: (head) => told.push(head["x-head"]),
    onTrailers: (trailers) => told.push(trailers["x-tail"]),
  });
  expect(told).toEqual(["1", "2"]);
});

test.each([0, 1, 4091, 4097, 16_384, 70_000, maxMessageBytes])(
  "messages of %i bytes arrive one by one",
  async (size) => {
    const sent = Array.from({ length: 3 }, (_, i) => Buffer.alloc(size, i));
    const { call, messages, end } = await open();
    for (const message of sent) call.write(message);
    call.end();
    expect(await end).toBeUndefined();
    expect(messages).toHaveLength(3);
    expect(messages.every((one, i) => one.equals(sent[i]!))).toBe(true);
  },
);

test("a message that comes in pieces arrives as one", async () => {
  for (const size of [3, 10_000]) {
    const parts = [Buffer.alloc(size, 1), Buffer.alloc(2, 2), Buffer.alloc(1)];
    const { call, messages, end } = await open();
    call.end(parts);
    await end;
    expect(messages).toEqual([Buffer.concat(parts)]);
  }
});

test("10,000 small messages arrive in order", async () => {
  const { call, messages, end } = await open();
  for (let i = 0; i < 10_000; i++) call.write(Buffer.from(String(i)));
  call.end();
  await end;
  expect(messages.map(String)).toEqual(messages.map((_, i) => String(i)));
  expect(messages).toHaveLength(10_000);
});

test.each(Object.entries(status).filter(([, code]) => Number(code) > 0))(
  "the status %s arrives with its text, details and metadata",
  async (_, code) => {
    const details = "it can't: 100 % of caf\u00e9 \u6f22\n";
    onUnary = (_call, reply) => {
      const metadata = new Metadata();
      metadata.set("x-why", "because");
      metadata.set("x-raw-bin", Buffer.from([0, 255, 1]));
      metadata.set("grpc-status-details-bin", Buffer.from([8, 5, 255]));
      reply({ code: code as status, details, metadata });
    };
    const error = (await client
      .unary(once, Buffer.alloc(1))
      .catch((reason: unknown) => reason)) as GrpcError;
    expect(error).toMatchObject({ code, message: details, origin: "status" });
    expect(error.trailers["x-why"]).toBe("because");
    expect(binaryValue(error.trailers, "x-raw-bin")).toEqual(
      Buffer.from([0, 255, 1]),
    );
    expect(error.details).toEqual(Buffer.from([8, 5, 255]));
    expect(error.unsent).toBe(false);
  },
);

test("a status alone comes without a head, a status after messages with one", async () => {
  onStream = (call) => call.emit("error", { code: 5, details: "gone" });
  const alone = await open();
  expect(await alone.end).toMatchObject({ code: 5, message: "gone" });
  expect(alone.heads).toEqual([]);
  onStream = (call) => {
    const metadata = new Metadata();
    metadata.set("x-head", "1");
    call.sendMetadata(metadata);
    call.write(Buffer.from("half"));
    call.emit("error", { code: 10, details: "enough" });
  };
  const later = await open();
  expect(await later.end).toMatchObject({ code: 10, message: "enough" });
  expect(later.heads[0]).toMatchObject({ "x-head": "1" });
  expect(later.messages.map(String)).toEqual(["half"]);
});

test("a request's metadata arrives, text and bytes, and invalid names are refused", async () => {
  let seen: Record<string, unknown> = {};
  onUnary = ({ request, metadata }, reply) => {
    seen = metadata.getMap();
    reply(null, request);
  };
  const metadata = { "x-text": "a b", "x-raw-bin": Buffer.from([255, 0]) };
  await client.unary(once, Buffer.alloc(0), { metadata });
  expect(seen).toMatchObject(metadata);
  for (const bad of [
    { "grpc-status": "0" },
    { te: "x" },
    { Upper: "x" },
    { "x-text": "a\nb" },
    { "x-raw-bin": "text" },
    { ":path": "/x" },
  ])
    await expect(
      client.unary(once, Buffer.alloc(0), { metadata: bad as never }),
    ).rejects.toThrow(/metadata/);
});

test("a deadline ends the call at both ends", async () => {
  const gone = Promise.withResolvers<void>();
  let deadline: unknown;
  onUnary = (call) => {
    deadline = call.getDeadline();
    call.on("cancelled", () => gone.resolve());
  };
  await expect(
    client.unary(once, Buffer.alloc(0), { timeoutMs: 200 }),
  ).rejects.toMatchObject({ code: 4, origin: "local" });
  await gone.promise;
  expect(Number.isFinite(Number(deadline))).toBe(true);
});

test("a signal ends the call at both ends, with its reason", async () => {
  const gone = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  onStream = (call) => {
    call.on("data", () => begun.resolve());
    call.on("cancelled", () => gone.resolve());
  };
  const abort = new AbortController();
  const { call, end } = await open({ signal: abort.signal });
  call.write(Buffer.from("half"));
  await begun.promise;
  const reason = new Error("the user left");
  abort.abort(reason);
  expect(await end).toBe(reason);
  await gone.promise;
  await expect(
    client.unary(once, Buffer.alloc(0), { signal: abort.signal }),
  ).rejects.toBe(reason);
});

test("a signal ends the wait for a connection", async () => {
  const silent = createServer();
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  const to = createGrpcClient({
    host: "127.0.0.1",
    port: (silent.address() as AddressInfo).port,
    maxMessageBytes,
  });
  const abort = new AbortController();
  const call = to.unary(once, Buffer.alloc(0), { signal: abort.signal });
  abort.abort(new Error("the user left"));
  await expect(call).rejects.toThrow("the user left");
  to.close();
  silent.close();
});

test("while nobody reads, the server has to wait", async () => {
  let written = 0;
  onStream = (call) => {
    const fill = () => {
      while (call.write(Buffer.alloc(16_384))) written++;
    };
    call.on("drain", fill);
    fill();
  };
  const { call, messages } = await open();
  call.pause();
  const stopped = await untilStill("the server", () => written);
  expect(stopped * 16_384).toBeLessThan(2 * 1024 * 1024);
  call.resume();
  await waitFor("more of it", () => messages.length > stopped + 100);
  call.cancel(new Error("enough"));
});

test("while the server does not read, the client has to wait", async () => {
  const calls: Duplex[] = [];
  let received = 0;
  onStream = (call) => {
    calls.push(call);
    call.pause();
    call.on("data", (message: Buffer) => (received += message.length));
    call.pause();
  };
  const { call } = await open();
  let written = 0;
  const more = (): void => {
    call.write(Buffer.alloc(16_384), () => {
      written++;
      if (written < 1000) more();
    });
  };
  more();
  const stopped = await untilStill("the client", () => written);
  expect(stopped * 16_384).toBeLessThan(2 * 1024 * 1024);
  calls[0]!.resume();
  await waitFor("all of it", () => received === 1000 * 16_384);
  call.end();
});

test("a message over the limit is refused, in either direction", async () => {
  await expect(
    client.unary(once, Buffer.alloc(maxMessageBytes + 1)),
  ).rejects.toMatchObject({ code: 8, origin: "local" });
  onUnary = (_call, reply) => reply(null, Buffer.alloc(maxMessageBytes + 1));
  await expect(client.unary(once, Buffer.alloc(1))).rejects.toMatchObject({
    code: 8,
    origin: "local",
  });
  const { call, end } = await open();
  call.write(Buffer.alloc(maxMessageBytes + 1));
  expect(await end).toMatchObject({ code: 8 });
  onUnary = ({ request }, reply) => reply(null, request);
  expect(await client.unary(once, Buffer.alloc(2))).toHaveLength(2);
});

test("after a server's GOAWAY, calls under way go on, and the next call uses a new connection", async () => {
  const begun = Promise.withResolvers<Duplex>();
  onStream = (call) => begun.resolve(call);
  const { messages, end } = await open();
  const call = await begun.promise;
  server.tryShutdown(() => {});
  await waitFor("the goodbye", async () => {
    const error = (await client
      .unary(once, Buffer.alloc(1))
      .catch((reason: unknown) => reason)) as GrpcError;
    return error instanceof GrpcError && error.unsent;
  });
  call.write(Buffer.from("still here"));
  call.end();
  expect(await end).toBeUndefined();
  expect(messages.map(String)).toEqual(["still here"]);
});

test("when a connection is lost, its call fails and the next call gets a new connection", async () => {
  const begun = Promise.withResolvers<void>();
  onStream = () => begun.resolve();
  const { end } = await open();
  await begun.promise;
  server.forceShutdown();
  expect(await end).toMatchObject({ code: 14, origin: "lost", unsent: false });
  await expect(client.unary(once, Buffer.alloc(1))).rejects.toMatchObject({
    code: 14,
    origin: "unreachable",
    unsent: true,
    cause: { code: "ECONNREFUSED" },
  });
});

test("close ends calls under way and takes no new ones", async () => {
  const begun = Promise.withResolvers<void>();
  onStream = () => begun.resolve();
  const { end } = await open();
  await begun.promise;
  client.close();
  expect(await end).toMatchObject({ code: 14 });
  await expect(client.unary(once, Buffer.alloc(1))).rejects.toMatchObject({
    origin: "unreachable",
  });
});

test("a host name that does not resolve is an error", async () => {
  const to = createGrpcClient({
    host: "none.invalid",
    port: 1,
    maxMessageBytes,
  });
  await expect(to.unary(once, Buffer.alloc(1))).rejects.toMatchObject({
    origin: "unreachable",
    cause: { syscall: "getaddrinfo" },
  });
});

test.each([
  ["says nothing", createServer()],
  ["speaks HTTP/1.1", createHttp()],
])("a server that %s counts as unreachable", async (_, other) => {
  const sockets = new Set<{ destroy(): void }>();
  other.on("connection", (socket: { destroy(): void }) => sockets.add(socket));
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const to = createGrpcClient({
    host: "127.0.0.1",
    port: (other.address() as AddressInfo).port,
    maxMessageBytes,
  });
  await expect(to.unary(once, Buffer.alloc(1))).rejects.toMatchObject({
    code: 14,
    origin: "unreachable",
  });
  for (const socket of sockets) socket.destroy();
  other.close();
});

(hasOpenssl ? describe : describe.skip)("over TLS", () => {
  const certificates = hasOpenssl
    ? makeCertificates(tempFolder("grpc-tls"))
    : undefined;
  const identity = () =>
    ServerCredentials.createSsl(null, [
      {
        cert_chain: Buffer.from(certificates!.cert),
        private_key: Buffer.from(certificates!.key),
      },
    ]);
  const again = async (trustAnchors: string, host?: string) => {
    client.close();
    server.forceShutdown();
    await start(identity(), trustAnchors, host);
  };

  test.each(["127.0.0.1", "localhost"])("works for %s", async (host) => {
    await again(certificates!.ca, host);
    expect(await client.unary(once, Buffer.from("a"))).toHaveLength(1);
  });

  test("the certificate of another authority is refused", async () => {
    await again(makeCertificates(tempFolder("grpc-tls-other")).ca);
    await expect(client.unary(once, Buffer.from("a"))).rejects.toMatchObject({
      origin: "unreachable",
      cause: { code: expect.stringMatching(/CERT|SIGNATURE/) as string },
    });
  });

  test("anybody's certificate is taken where it should be", async () => {
    await again(anybody);
    expect(await client.unary(once, Buffer.from("a"))).toHaveLength(1);
  });

  test("a server without TLS is refused", async () => {
    client.close();
    client = createGrpcClient({
      host: "127.0.0.1",
      port,
      trustAnchors: certificates!.ca,
      maxMessageBytes,
    });
    await expect(client.unary(once, Buffer.from("a"))).rejects.toMatchObject({
      origin: "unreachable",
    });
  });
});
