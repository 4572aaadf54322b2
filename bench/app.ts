/**
 * The app behind the sidecar, in its own process. It takes every order, counts it
 * by number and notes when it arrived. A call of `/echo` gets its own body back.
 * It is as small as possible, since it shares the cores with the sidecar under test.
 */
import { createServer, type Socket } from "node:net";
import { listenGrpcEcho, type GrpcEcho } from "./grpc-echo.ts";
import { readMessages } from "./http-messages.ts";
import { nowUs, serve } from "./child.ts";
import { latencyOf, type Latency } from "./stats.ts";

export interface Expectation {
  /** Orders are numbered 0 … count-1. */
  count: number;
  /** Latency is measured from this order on. When it first arrives, the mark `warm` is sent. */
  warmUp: number;
}

export interface Tally {
  unique: number;
  duplicates: number;
  /** Orders that came after a later one (first deliveries only). */
  outOfOrder: number;
  /** From the warm mark to the last first delivery. */
  elapsedMs: number;
  latency: Latency | undefined;
}

let expected: Expectation = { count: 0, warmUp: 0 };
let seen = new Uint8Array(0);
let latencyUs = new Float64Array(0);
let unique = 0;
let duplicates = 0;
let outOfOrder = 0;
let highest = -1;
let warmAtUs = 0;
let lastAtUs = 0;
let echoed = 0;
let grpc: GrpcEcho | undefined;

function take(body: string): void {
  const id = numberAfter(body, '"orderId":');
  if (!(id >= 0 && id < expected.count)) return; // an order of an earlier run
  const now = nowUs();
  if (seen[id] !== 0) {
    duplicates++;
    return;
  }
  seen[id] = 1;
  unique++;
  if (id < highest) outOfOrder++;
  else highest = id;
  lastAtUs = now;
  if (id >= expected.warmUp)
    latencyUs[id] = now - numberAfter(body, '"sentAt":');
  if (unique === 1) send({ mark: "first", atUs: now });
  if (unique === expected.warmUp + 1) {
    warmAtUs = now;
    send({ mark: "warm", atUs: now });
  }
  if (unique === expected.count) send({ mark: "done", atUs: now });
}

function numberAfter(body: string, key: string): number {
  const at = body.indexOf(key);
  return at < 0
    ? Number.NaN
    : Number.parseInt(body.slice(at + key.length, at + key.length + 20), 10);
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const okJson =
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
const notFound = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

function answer(head: string, body: string): string {
  if (head.startsWith("POST /echo ")) {
    echoed++;
    return `${okJson}${body.length}\r\n\r\n${body}`;
  }
  if (head.startsWith("POST ")) take(body);
  // This app has no /dapr/config and no /dapr/subscribe.
  return head.startsWith("GET /dapr/") ? notFound : ok;
}

const sockets = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.setEncoding("latin1");
  const push = readMessages((head, body) => {
    socket.write(answer(head, body), "latin1");
    if (/\r\nconnection: *close/i.test(head)) socket.end();
  });
  socket.on("data", push);
  socket.on("close", () => sockets.delete(socket));
  // A killed sidecar resets its connections. Lost orders show in the tally.
  socket.on("error", () => socket.destroy());
});

const send = serve({
  listen: () =>
    new Promise<number>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () =>
        resolve((server.address() as { port: number }).port),
      );
    }),
  expect(next: Expectation) {
    expected = next;
    seen = new Uint8Array(next.count);
    latencyUs = new Float64Array(next.count);
    unique = duplicates = outOfOrder = warmAtUs = lastAtUs = 0;
    highest = -1;
  },
  /** The port of the app's own gRPC service. */
  async listenGrpc(): Promise<number> {
    return (grpc ??= await listenGrpcEcho()).port;
  },
  grpcEchoes: (): number => grpc!.echoes(),
  /** The number of calls of `/echo` since the last time this was asked. */
  echoes(): number {
    const count = echoed;
    echoed = 0;
    return count;
  },
  tally(): Tally {
    const late = latencyUs
      .subarray(expected.warmUp)
      .filter((_, i) => seen[expected.warmUp + i] !== 0);
    return {
      unique,
      duplicates,
      outOfOrder,
      elapsedMs: (lastAtUs - warmAtUs) / 1000,
      latency:
        late.length > 0 && Number.isFinite(late[0])
          ? latencyOf(late)
          : undefined,
    };
  },
});
