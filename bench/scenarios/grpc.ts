/** The gRPC API at 16 connections: orders for the binding, orders saved and read, calls of the own app, calls that two sidecars pass on. */
import { randomUUID } from "node:crypto";
import type { Backend, Broker, Store } from "../backends/backend.ts";
import {
  requireAcked,
  requireCalled,
  requireSaved,
  startWith,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import { openGrpcConnection } from "../grpc-connection.ts";
import { grpcKinds } from "../grpc-requests.ts";
import type { Asked, LoadResult } from "../load.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { echoPath, untilAnswered } from "../peers.ts";
import { memoryMb } from "../proc.ts";
import type { Sidecar } from "../sidecar.ts";

const connections = 16;
const keys = 5000;
const named = (method: string) => `${method}, ${connectionsName(connections)}`;

const memoryAfter = (what: string, sidecar: Sidecar): Measurement => ({
  metric: `resident memory after ${what}`,
  unit: "MB",
  better: "lower",
  value: memoryMb(sidecar.pid).now,
});

export const grpcBinding: Scenario<Broker> = async (bench, target, broker) => {
  const topic = await broker.createTopic();
  const use = { direction: "output", group: randomUUID() };
  const component = broker.component(topic, use);
  const sidecar = await startWith(bench, target, component, false);
  const { result, rows } = await closedWindow(
    bench,
    broker,
    [sidecar],
    { port: sidecar.grpcPort, path: "bench", kind: "grpc-bind" },
    connections,
    named("InvokeBinding"),
    "CPU per call",
  );
  requireAcked(result, await broker.stored(topic));
  const memory = memoryAfter("InvokeBinding", sidecar);
  await sidecar.stop();
  await broker.removeTopic(topic);
  return [...rows, memory];
};

export const grpcState: Scenario<Store> = async (bench, target, store) => {
  await store.clear();
  const sidecar = await startWith(bench, target, store.component(), false);
  const asked = { port: sidecar.grpcPort, path: "bench" };
  const save = await closedWindow(
    bench,
    store,
    [sidecar],
    { ...asked, kind: "grpc-save" },
    connections,
    named("SaveState"),
    "CPU per call",
  );
  // Not cleared here: a SQLite file would be taken from under the sidecar.
  requireSaved(save.result, await store.stored());
  const saved = await bench.load.call<LoadResult>("closed", {
    ...asked,
    kind: "grpc-save",
    connections: 1,
    warmUpMs: 0,
    windowMs: 60_000,
    limit: keys,
  });
  requireAcked(saved, await store.stored());
  const get = await closedWindow(
    bench,
    store,
    [sidecar],
    { ...asked, kind: "grpc-get", idSpan: keys },
    connections,
    named("GetState"),
    "CPU per call",
  );
  requireAcked(get.result, get.result.acked);
  const memory = memoryAfter("GetState", sidecar);
  await sidecar.stop();
  await store.clear();
  return [...save.rows, ...get.rows, memory];
};

const grpcOwnApp: Scenario<Backend> = async (bench, target, backend) => {
  const sidecar = await startWith(bench, target, undefined, true);
  await untilAnswered(sidecar, echoPath(sidecar));
  await bench.app.call("echoes");
  const { result, rows } = await closedWindow(
    bench,
    backend,
    [sidecar],
    { port: sidecar.grpcPort, path: sidecar.appId, kind: "grpc-call" },
    connections,
    named("InvokeService of the own app"),
    "CPU per call",
  );
  requireCalled(result, await bench.app.call<number>("echoes"));
  const memory = memoryAfter("InvokeService", sidecar);
  await sidecar.stop();
  return [...rows, memory];
};

/** A unary call of the app's own service, by the caller's sidecar and the callee's. */
const grpcProxied: Scenario<Backend> = async (bench, target, backend) => {
  const appPort = await bench.app.call<number>("listenGrpc");
  const callee = await startWith(bench, target, undefined, true, {
    appPort,
    args: ["--app-protocol", "grpc"],
  });
  const caller = await startWith(bench, target, undefined, false);
  const asked: Asked = {
    port: caller.grpcPort,
    path: callee.appId,
    kind: "grpc-proxied",
  };
  await untilPassedOn(asked);
  await bench.app.call("grpcEchoes");
  const both = [caller, callee];
  const { result, rows } = await closedWindow(
    bench,
    backend,
    both,
    asked,
    connections,
    named("unary call passed on by two sidecars"),
    "CPU per call, both",
  );
  requireCalled(result, await bench.app.call<number>("grpcEchoes"));
  const memory = both.map((one, i) =>
    memoryAfter(`passing on, ${i === 0 ? "caller" : "callee"}`, one),
  );
  for (const one of both) await one.stop();
  return [...rows, ...memory];
};

/** The callee is found a little after it is ready. */
async function untilPassedOn({ port, path }: Asked): Promise<void> {
  const { method } = grpcKinds["grpc-proxied"];
  const giveUpAt = performance.now() + 30_000;
  const message = Buffer.from("ready?");
  let answer: Buffer | undefined;
  while (!answer) {
    if (performance.now() > giveUpAt)
      throw new Error(`bench: ${path} is not found by gRPC within 30 s`);
    const answered = Promise.withResolvers<Buffer | undefined>();
    const connection = openGrpcConnection({
      port,
      path: method,
      appId: path,
      onOpen: () => connection.send(message),
      onAnswer: answered.resolve,
      onBroken: () => answered.resolve(undefined),
    });
    answer = await answered.promise;
    connection.close();
  }
}

export const grpcCalls: Scenario<Backend> = async (...given) => [
  ...(await grpcOwnApp(...given)),
  ...(await grpcProxied(...given)),
];
