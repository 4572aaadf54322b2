/**
 * A user's app, in a process of its own: `node order-app.ts '{"port":…,"file":…}'`.
 * It takes numbered orders and notes each in a file before it answers. So the file
 * has every order that was delivered, however the app ended.
 */
import { existsSync, openSync, writeSync } from "node:fs";
import { createServer } from "node:http";

export interface OrderAppTask {
  port: number;
  /** The file to which orders are appended, one JSON line each. */
  file: string;
  /** How long an order takes. */
  delayMs?: number;
  /** Orders whose number is divisible by this get 500 the first time. */
  failEvery?: number;
  /** This order gets 500 until a file named `FILE.cured` exists. */
  poison?: number;
  /** What it answers to `GET /dapr/subscribe`. */
  subscriptions?: unknown[];
}

interface Order {
  order: number;
}

export interface TakenOrder extends Order {
  path: string;
  partition: number;
  status: number;
  at: number;
  headers: Record<string, string>;
}

const task = JSON.parse(process.argv[2]!) as OrderAppTask;
const file = openSync(task.file, "a");
const failed = new Set<number>();

function statusFor(order: number, path: string): number {
  if (order === task.poison && path === "/orders")
    return existsSync(`${task.file}.cured`) ? 200 : 500;
  if (!task.failEvery || order % task.failEvery !== 0 || failed.has(order))
    return 200;
  failed.add(order);
  return 500;
}

const server = createServer(async (incoming, outgoing) => {
  if (incoming.method !== "POST") {
    outgoing.end(
      incoming.url === "/dapr/subscribe"
        ? JSON.stringify(task.subscriptions ?? [])
        : "",
    );
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Order & {
    data?: Order;
  };
  // An event has it in its data.
  const { order } = body.data ?? body;
  if (task.delayMs)
    await new Promise((resolve) => setTimeout(resolve, task.delayMs));
  const path = incoming.url!;
  const taken: TakenOrder = {
    order,
    path,
    partition: Number(incoming.headers["__partition"]),
    status: statusFor(order, path),
    at: Date.now(),
    headers: incoming.headers as Record<string, string>,
  };
  if (path !== "/dead") taken.headers = {};
  writeSync(file, `${JSON.stringify(taken)}\n`);
  outgoing.writeHead(taken.status).end();
});
// The sidecar keeps its connections, so the app must not close idle ones.
server.keepAliveTimeout = 0;
server.listen(task.port, "127.0.0.1");
// Standard input closes when the test run ends, also when it is killed.
process.stdin.on("end", () => process.exit()).resume();
