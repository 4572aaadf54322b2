/** A prefilled topic with one partition is delivered to the app, one order at a time, in order. */
import { randomUUID } from "node:crypto";
import type { Broker } from "../backends/backend.ts";
import { startWith, type Bench, type Scenario } from "../bench.ts";
import { drainBacklog } from "../drain-backlog.ts";

/** Topics are filled once per run. Every sidecar reads them in its own consumer group. */
const filled = new Map<Broker, Promise<string>>();

async function backlogOf(bench: Bench, backend: Broker): Promise<string> {
  const topic = await backend.createTopic();
  await backend.fill(topic, bench.options.backlog);
  return topic;
}

export const input: Scenario = async (bench, target, backend) => {
  if (!filled.has(backend)) filled.set(backend, backlogOf(bench, backend));
  const topic = await filled.get(backend)!;
  const count = bench.options.backlog;
  const component = backend.component(topic, {
    direction: "input",
    group: randomUUID(),
  });
  return drainBacklog(bench, backend, {
    name: "input",
    count,
    isOrdered: true,
    start: () => startWith(bench, target, component, true),
  });
};
