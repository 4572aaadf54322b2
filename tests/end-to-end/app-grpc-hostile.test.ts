/** Apps over gRPC whose answers are refused by Node's HTTP/2, or come while their request is still being sent: no sidecar ends or hangs of it. */
import { createServer as createTcp, type AddressInfo } from "node:net";
import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { stopAll, type Daprd } from "../support/daprd.ts";
import {
  connectEcho,
  echoMethods,
  startEcho,
  type EchoService,
} from "../support/echo-service.ts";
import { closeGrpc, openGrpc } from "../support/grpc-api.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { startPair } from "../support/sidecar-pair.ts";

const bytes = (value: Buffer) => value;
const toApp = () => {
  const metadata = new Metadata();
  metadata.set("dapr-app-id", "callee");
  return metadata;
};

afterEach(async () => {
  closeGrpc();
  await stopAll();
});

async function startBoth(appPort: number): Promise<[Daprd, Daprd]> {
  const args = ["--app-protocol", "grpc"];
  const { caller, callee } = await startPair(appPort, { args });
  return [caller, callee];
}

const alive = async (sidecars: Daprd[]) => {
  for (const sidecar of sidecars)
    expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
      204,
    );
};

describe("a request that is answered before it is sent", () => {
  let echo: EchoService;
  beforeEach(async () => (echo = await startEcho()));
  afterEach(() => echo.close());

  test("the caller has the status, and both sidecars go on", async () => {
    const both = await startBoth(echo.port);
    // A sidecar that loops would take all memory of the machine.
    const guard = setInterval(() => {
      for (const { pid, child } of both)
        if (canReadMemory && memoryOf(pid).rss > 600) child.kill("SIGKILL");
    }, 100);
    try {
      const client = connectEcho(both[0].grpcPort);
      for (let n = 0; n < 20; n++)
        for (const size of [200_000, 1_000_000, 3_000_000]) {
          const error = await new Promise<ServiceError | null>((resolve) => {
            const call = client.makeClientStreamRequest(
              "/test.Echo/NoSuchMethod",
              bytes,
              bytes,
              toApp(),
              resolve,
            );
            const chunk = Buffer.alloc(50_000);
            for (let sent = 0; sent < size; sent += chunk.length)
              call.write(chunk);
            call.end();
          });
          expect(error?.code).toBe(status.UNIMPLEMENTED);
        }
      const answer = await new Promise((resolve) =>
        client.makeUnaryRequest(
          echoMethods.unary.path,
          bytes,
          bytes,
          Buffer.from("still there"),
          toApp(),
          (error, value) => resolve(error ?? value!.toString()),
        ),
      );
      expect(answer).toContain("still there");
      client.close();
      await alive(both);
    } finally {
      clearInterval(guard);
    }
  });
});

/** A header as HPACK writes it without any table (RFC 7541 §6.2.2). */
const literal = (name: string, value: string) =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
const frame = (type: number, flags: number, stream: number, body: Buffer) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
};
const headersType = 1;
const settingsType = 4;
const endStream = 1;
const endHeaders = 4;
const ok = Buffer.from([0x88]);
const http500 = Buffer.from([0x8e]);
const type = literal("content-type", "application/grpc");
const settings = literal("http2-settings", "x");
const fine = literal("grpc-status", "0");
const failed = literal("grpc-status", "5");

/** Answers each request with these heads; the last one ends it. */
async function startRawApp(heads: Buffer[]) {
  const server = createTcp((socket) => {
    let seen = Buffer.alloc(0);
    let isPast = false;
    socket.on("error", () => {});
    socket.write(frame(settingsType, 0, 0, Buffer.alloc(0)));
    socket.on("data", (data) => {
      seen = Buffer.concat([seen, data]);
      if (!isPast && seen.length >= 24) {
        seen = seen.subarray(24); // the preface
        isPast = true;
      }
      while (isPast && seen.length >= 9) {
        const length = seen.readUIntBE(0, 3);
        if (seen.length < 9 + length) return;
        const [kind, flags, stream] = [seen[3], seen[4]!, seen.readUInt32BE(5)];
        seen = seen.subarray(9 + length);
        if (kind === settingsType && (flags & 1) === 0)
          socket.write(frame(settingsType, 1, 0, Buffer.alloc(0)));
        if (kind !== headersType) continue;
        for (const [at, head] of heads.entries())
          socket.write(
            frame(
              headersType,
              endHeaders | (at === heads.length - 1 ? endStream : 0),
              stream,
              head,
            ),
          );
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => server.close(),
  };
}

interface Outcome {
  code: number;
  text: string;
}

/** What a call of the app's own service ends with, and one by InvokeService, through two sidecars. */
async function outcomesBehind(heads: Buffer[]): Promise<[Outcome, Outcome]> {
  const app = await startRawApp(heads);
  try {
    const both = await startBoth(app.port);
    const api = openGrpc(both[0].grpcPort);
    const passedOn = await new Promise<Outcome>((resolve) => {
      const call = api.client.makeBidiStreamRequest(
        "/test.Any/Any",
        bytes,
        bytes,
        toApp(),
      );
      call.on("error", () => {}).on("data", () => {});
      call.on("status", ({ code, details }) =>
        resolve({ code, text: details }),
      );
      call.end();
    });
    const message = { method: "m" };
    const invoked = await api.call("InvokeService", { id: "callee", message });
    await alive(both);
    return [passedOn, invoked];
  } finally {
    app.close();
  }
}

async function codesBehind(heads: Buffer[]): Promise<[number, number]> {
  const [passedOn, invoked] = await outcomesBehind(heads);
  return [passedOn.code, invoked.code];
}

test.each([
  ["head", [Buffer.concat([ok, type, settings]), fine], 0],
  ["trailers", [Buffer.concat([ok, type]), Buffer.concat([fine, settings])], 0],
  [
    "trailers of a failed call",
    [Buffer.concat([ok, type]), Buffer.concat([failed, settings])],
    5,
  ],
  ["status alone", [Buffer.concat([ok, type, failed, settings])], 5],
])(
  "http2-settings in the %s, which Node does not send, end no sidecar",
  async (_, heads, code) => {
    // An answer of OK has to have a message.
    const invoked = code === 0 ? status.INTERNAL : code;
    expect(await codesBehind(heads)).toEqual([code, invoked]);
  },
);

test.each([
  [
    "two statuses: the last one",
    [
      Buffer.concat([ok, type]),
      Buffer.concat([literal("grpc-status", "0"), failed]),
    ],
    5,
  ],
  [
    "a status that is no number: UNKNOWN",
    [Buffer.concat([ok, type]), literal("grpc-status", "abc")],
    2,
  ],
  ["the HTTP status 500: UNKNOWN", [Buffer.concat([http500, type, fine])], 2],
  [
    "another content type: UNKNOWN",
    [Buffer.concat([ok, literal("content-type", "text/plain"), fine])],
    2,
  ],
])("an app's answer with %s", async (_, heads, code) => {
  expect(await codesBehind(heads)).toEqual([code, code]);
});

/** One field that goes into the table, then 5,000 times one byte that stands for it (RFC 7541 §6.1, §6.2.1). */
function manyFields(): Buffer {
  const field = literal("x-a", "a");
  field[0] = 0x40;
  return Buffer.concat([field, Buffer.alloc(5000, 0x80 | 62)]);
}

test.each([
  ["its head", (many: Buffer) => [Buffer.concat([ok, type, many]), fine]],
  [
    "its trailers",
    (many: Buffer) => [Buffer.concat([ok, type]), Buffer.concat([fine, many])],
  ],
])(
  "an app's answer with too many header fields in %s: the error says so, and that the app was called",
  async (_, heads) => {
    for (const { code, text } of await outcomesBehind(heads(manyFields()))) {
      expect(code).toBe(status.RESOURCE_EXHAUSTED);
      expect(text).toMatch(
        /the app at grpc:\/\/\S+ was called and gave no whole answer: /,
      );
      expect(text).toMatch(/more than 4096 header fields or 131072 bytes/);
    }
  },
);
