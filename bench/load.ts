/**
 * The load generator, in its own process. It uses raw keep-alive sockets with one
 * order in flight on each. A closed loop measures the highest rate. An evenly spaced
 * open loop measures latency: there an order's time counts from when it was due, so
 * that a sidecar that falls behind cannot hide it.
 */
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { nowUs, serve } from "./child.ts";
import { openGrpcConnection } from "./grpc-connection.ts";
import { grpcKinds, type GrpcKindName } from "./grpc-requests.ts";
import { readMessages, statusOf } from "./http-messages.ts";
import { kinds, type KindName } from "./requests.ts";
import { latencyOf, type Latency } from "./stats.ts";

/** Which requests to send, and to which port. */
export interface Asked {
  port: number;
  /** Over gRPC: the component or app that is meant. */
  path: string;
  kind: KindName | GrpcKindName;
  /** The number of the first order; 0 if absent. */
  firstId?: number;
  /** After so many orders the numbers begin again with the first one. */
  idSpan?: number;
}

export interface ClosedLoad extends Asked {
  connections: number;
  warmUpMs: number;
  windowMs: number;
  /** After so many orders the run ends, even if time is left. */
  limit: number;
}

export interface OpenLoad extends Asked {
  perSecond: number;
  count: number;
}

export interface LoadResult {
  sent: number;
  acked: number;
  failed: number;
  /** The first failure: status and body, or the socket's error. */
  firstFailure: string | undefined;
  /** Within the window. */
  counted: number;
  elapsedMs: number;
  latency: Latency | undefined;
}

class Run {
  acked = 0;
  failed = 0;
  firstFailure: string | undefined;
  sent = 0;
  readonly #asked: Asked;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  nextId(): number {
    const { firstId = 0, idSpan = Infinity } = this.#asked;
    return firstId + (this.sent++ % idSpan);
  }

  settle(isAnswer: boolean, why: () => string): void {
    if (isAnswer) this.acked++;
    else this.fail(why());
  }

  fail(why: string): void {
    this.failed++;
    this.firstFailure ??= why;
  }
}

interface Connection {
  send(dueUs: number): void;
  close(): void;
}

type OnIdle = (connection: Connection, sentUs: number) => void;

const isGrpc = (kind: Asked["kind"]): kind is GrpcKindName => kind in grpcKinds;

/** Opens a socket. `onIdle` is called when it is connected, and after each answer. */
const openConnection = (
  { port, path, kind }: Asked,
  run: Run,
  onIdle: OnIdle,
): Connection =>
  isGrpc(kind)
    ? openGrpc(port, path, kind, run, onIdle)
    : openHttp(port, path, kind, run, onIdle);

function openGrpc(
  port: number,
  target: string,
  kind: GrpcKindName,
  run: Run,
  onIdle: OnIdle,
): Connection {
  const { method, request, isAnswer } = grpcKinds[kind];
  let id = 0;
  let sentUs = 0;
  let inFlight = false;
  const client = openGrpcConnection({
    port,
    ...(method.startsWith("/")
      ? { path: method, appId: target }
      : { path: `/dapr.proto.runtime.v1.Dapr/${method}` }),
    onOpen: () => onIdle(connection, 0),
    onAnswer(message) {
      inFlight = false;
      run.settle(message !== undefined && isAnswer(message, id), () =>
        message ? `not order ${id}` : `${method} failed`,
      );
      onIdle(connection, sentUs);
    },
    onBroken(why) {
      run.firstFailure ??= why;
      if (inFlight) run.fail(why);
      inFlight = false;
    },
  });
  const connection: Connection = {
    send(dueUs) {
      id = run.nextId();
      sentUs = dueUs;
      inFlight = true;
      client.send(request(target, id, dueUs));
    },
    close: () => client.close(),
  };
  return connection;
}

function openHttp(
  port: number,
  path: string,
  kind: KindName,
  run: Run,
  onIdle: OnIdle,
): Connection {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const { request, isAnswer } = kinds[kind];
  let id = 0;
  let sentUs = 0;
  let inFlight = false;
  const connection: Connection = {
    send(dueUs) {
      id = run.nextId();
      sentUs = dueUs;
      inFlight = true;
      socket.write(request(path, id, dueUs), "latin1");
    },
    close: () => socket.end(),
  };
  const push = readMessages((head, body) => {
    inFlight = false;
    const status = statusOf(head);
    const isGood = status >= 200 && status < 300;
    run.settle(
      isGood && isAnswer(body, id),
      () =>
        `HTTP ${status}${isGood ? `, but not order ${id}` : ""}: ${body.slice(0, 300)}`,
    );
    onIdle(connection, sentUs);
  });
  const broken = (why: string) => {
    if (inFlight) run.fail(why);
    inFlight = false;
  };
  socket.setEncoding("latin1");
  socket.on("data", push);
  socket.once("connect", () => onIdle(connection, 0));
  socket.on("error", (error) => {
    run.firstFailure ??= String(error);
    broken(String(error));
  });
  socket.on("close", () =>
    broken("the sidecar closed the connection on an order"),
  );
  return connection;
}

let send: ReturnType<typeof serve>;

async function closed(load: ClosedLoad): Promise<LoadResult> {
  const run = new Run(load);
  const samples: number[] = [];
  const startUs = nowUs();
  const warmUs = startUs + load.warmUpMs * 1000;
  const endUs = warmUs + load.windowMs * 1000;
  let firstUs = 0;
  let lastUs = 0;
  const connections: Connection[] = [];
  const finished = Promise.withResolvers<void>();
  const idle = (connection: Connection, sentUs: number) => {
    const now = nowUs();
    if (sentUs > 0 && now >= warmUs && now < endUs) {
      if (firstUs === 0) send({ mark: "warm", atUs: (firstUs = now) });
      else samples.push(now - sentUs);
      lastUs = now;
    }
    if (now < endUs && run.sent < load.limit) connection.send(now);
    else if (run.acked + run.failed === run.sent) finished.resolve();
  };
  for (let i = 0; i < load.connections; i++)
    connections.push(openConnection(load, run, idle));
  const watch = watchForStall(run, finished);
  await finished.promise.finally(() => clearInterval(watch));
  for (const connection of connections) connection.close();
  return result(run, samples, (lastUs - firstUs) / 1000);
}

async function open(load: OpenLoad): Promise<LoadResult> {
  const run = new Run(load);
  const samples: number[] = [];
  const idleOnes: Connection[] = [];
  const due: number[] = [];
  const connections: Connection[] = [];
  const everyUs = 1e6 / load.perSecond;
  const ready = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const idle = (connection: Connection, sentUs: number) => {
    if (sentUs > 0) samples.push(nowUs() - sentUs);
    const dueUs = due.shift();
    if (dueUs !== undefined) connection.send(dueUs);
    else idleOnes.push(connection);
    if (sentUs === 0 && idleOnes.length === connections.length) ready.resolve();
    if (run.acked + run.failed === load.count) finished.resolve();
  };
  for (let i = 0; i < 64; i++)
    connections.push(openConnection(load, run, idle));
  await ready.promise;
  const startUs = nowUs();
  const ticker = new Worker(new URL("./ticker.ts", import.meta.url), {
    workerData: { everyUs, count: load.count },
  });
  ticker.on("message", (dueUs: number) => {
    const connection = idleOnes.pop();
    if (connection !== undefined) connection.send(dueUs);
    else due.push(dueUs);
  });
  ticker.on("error", (error) => finished.reject(error));
  const watch = watchForStall(run, finished);
  await finished.promise.finally(() => clearInterval(watch));
  await ticker.terminate();
  for (const connection of connections) connection.close();
  return result(run, samples, (nowUs() - startUs) / 1000);
}

/** Ends the run after ten seconds without an answer: it is stuck, since a lost connection is not opened again. */
function watchForStall(run: Run, finished: PromiseWithResolvers<void>) {
  let settled = -1;
  return setInterval(() => {
    if (run.acked + run.failed === settled)
      finished.reject(
        new Error(
          `no answer for 10 s: ${run.sent} orders sent, ${run.acked} acknowledged, ${run.failed} failed (${run.firstFailure ?? "no error seen"})`,
        ),
      );
    settled = run.acked + run.failed;
  }, 10_000);
}

function result(run: Run, samples: number[], elapsedMs: number): LoadResult {
  return {
    sent: run.sent,
    acked: run.acked,
    failed: run.failed,
    firstFailure: run.firstFailure,
    counted: samples.length,
    elapsedMs,
    latency:
      samples.length > 0 ? latencyOf(Float64Array.from(samples)) : undefined,
  };
}

send = serve({ closed, open });
