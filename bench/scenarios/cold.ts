/**
 * What a newcomer meets: the first 3 s of a sidecar that has just become ready,
 * with 16 connections, and the first 320 requests of another one, one at a time.
 */
import { randomUUID } from "node:crypto";
import type { Backend, Broker, Store } from "../backends/backend.ts";
import {
  bindingPath,
  requireAcked,
  requireCalled,
  requireSaved,
  startWith,
  statePath,
  type Bench,
  type Measurement,
  type Scenario,
} from "../bench.ts";
import type { Asked, LoadResult } from "../load.ts";
import { closedWindow, connectionsName } from "../measure.ts";
import { echoPath, untilAnswered } from "../peers.ts";
import type { Sidecar } from "../sidecar.ts";

const connections = 16;
const windowMs = 3000;
const firstOnes = 320;

interface Cold {
  start(): Promise<Sidecar>;
  asked(sidecar: Sidecar): Omit<Asked, "port">;
  /** Throws if something was lost. */
  check(result: LoadResult): Promise<void>;
}

async function cold(
  bench: Bench,
  backend: Backend,
  { start, asked, check }: Cold,
): Promise<Measurement[]> {
  const window = async (
    connections: number,
    windowMs: number,
    limit: number,
    name: string,
  ) => {
    const sidecar = await start();
    const { result, rows } = await closedWindow(
      { ...bench, options: { ...bench.options, warmUpMs: 0, windowMs } },
      backend,
      [sidecar],
      { port: sidecar.httpPort, ...asked(sidecar) },
      connections,
      name,
      "CPU per request",
      limit,
    );
    await check(result);
    await sidecar.stop();
    return rows;
  };
  const first = await window(
    connections,
    windowMs,
    Infinity,
    `first ${windowMs / 1000} s, ${connectionsName(connections)}`,
  );
  const oneByOne = await window(
    1,
    60_000,
    firstOnes,
    `first ${firstOnes}, one at a time`,
  );
  return [
    ...first,
    ...oneByOne.filter(({ metric }) => metric.endsWith(": p50")),
  ];
}

export const coldOutput: Scenario<Broker> = async (bench, target, broker) => {
  const topic = await broker.createTopic();
  const component = broker.component(topic, {
    direction: "output",
    group: randomUUID(),
  });
  let acked = 0;
  const rows = await cold(bench, broker, {
    start: () => startWith(bench, target, component, false),
    asked: () => ({ path: bindingPath, kind: "bind" }),
    async check(result) {
      acked += result.acked;
      requireAcked({ ...result, acked }, await broker.stored(topic));
    },
  });
  await broker.removeTopic(topic);
  return rows;
};

export const coldSave: Scenario<Store> = async (bench, target, store) => {
  await store.clear();
  let sent = 0;
  let acked = 0;
  const rows = await cold(bench, store, {
    start: () => startWith(bench, target, store.component(), false),
    asked: () => ({ path: statePath, kind: "save", firstId: sent }),
    async check(result) {
      sent += result.sent;
      acked += result.acked;
      requireSaved({ ...result, acked }, await store.stored());
    },
  });
  await store.clear();
  return rows;
};

export const coldOwnApp: Scenario<Backend> = (bench, target, backend) =>
  cold(bench, backend, {
    async start() {
      const sidecar = await startWith(bench, target, undefined, true);
      await untilAnswered(sidecar, echoPath(sidecar));
      await bench.app.call("echoes");
      return sidecar;
    },
    asked: (sidecar) => ({ path: echoPath(sidecar), kind: "call" }),
    async check(result) {
      requireCalled(result, await bench.app.call<number>("echoes"));
    },
  });
