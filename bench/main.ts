/**
 * npm run bench: measures our sidecar, and others in turn with it, on the same
 * broker in the same run. Everything it starts listens on loopback, has a time limit
 * and is stopped at the end, also on Ctrl+C.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend, Broker, Bus, Store } from "./backends/backend.ts";
import { startKafkaContainer } from "./backends/kafka-container.ts";
import { kafkaBackend } from "./backends/kafka.ts";
import { kafkaBus, redisBus, sqliteBus } from "./backends/pubsub.ts";
import { openCluster } from "./backends/kubernetes.ts";
import { sqliteBackend } from "./backends/sqlite.ts";
import { redisStore, startRedisContainer } from "./backends/state-redis.ts";
import { sqliteStore } from "./backends/state-sqlite.ts";
import type { Bench } from "./bench.ts";
import { Helper } from "./child.ts";
import {
  parseOptions,
  usage,
  type BackendName,
  type Options,
} from "./options.ts";
import { json, table } from "./report.ts";
import { runRounds, type Results } from "./rounds.ts";
import {
  killSidecars,
  otherTarget,
  ownTarget,
  type Target,
} from "./sidecar.ts";
import {
  brokerSuite,
  busSuite,
  clusterSuite,
  invokeSuite,
  storeSuite,
  type Suite,
} from "./suites.ts";

const opened = new AsyncDisposableStack();

async function main(options: Options): Promise<number> {
  const targets: Target[] = [
    ...(options.skipOwn ? [] : [ownTarget]),
    ...options.sidecars.map((path) => otherTarget(path, options.sidecarArgs)),
  ];
  const folder = mkdtempSync(join(tmpdir(), "dapr-bench-"));
  let keepLogs = false;
  opened.defer(() => {
    if (!keepLogs) rmSync(folder, { recursive: true });
  });
  const load = new Helper("load.ts");
  opened.defer(() => load.stop());
  const app = new Helper("app.ts");
  opened.defer(() => app.stop());
  const appPort = await app.call<number>("listen");
  const bench: Bench = { options, load, app, appPort, folder };
  opened.defer(killSidecars);

  const all: Results = { samples: [], failures: [] };
  for (const name of options.backends) {
    const suite = await open[name](bench);
    const { samples, failures } = await runRounds(bench, suite, targets);
    all.samples.push(...samples);
    all.failures.push(...failures);
    await suite.backend.close();
  }
  const labels = targets.map((target) => target.label);
  process.stdout.write(`\n${table(all.samples, labels, options)}`);
  if (options.json !== undefined)
    writeFileSync(options.json, json(all, targets));
  keepLogs = all.failures.length > 0;
  for (const { backend, scenario, target, round, error } of all.failures)
    process.stdout.write(
      `FAILED: ${backend} ${scenario} ${target}, round ${round + 1}: ${error}\n`,
    );
  return keepLogs ? 1 : 0;
}

/** Opens the backends. Each is opened when its turn comes, since an idle broker still takes CPU. */
const open: Record<BackendName, (bench: Bench) => Promise<Suite> | Suite> = {
  kafka: async ({ options }) => brokerSuite(await openKafka(options)),
  sqlite: (bench) => brokerSuite(sqliteBackend(bench), true),
  "state-redis": async () => storeSuite(await openRedis()),
  "state-sqlite": ({ folder }) => storeSuite(sqliteStore(folder)),
  "pubsub-kafka": async ({ options }) => busSuite(await openKafkaBus(options)),
  "pubsub-redis": async () => busSuite(await openRedisBus()),
  "pubsub-sqlite": (bench) => busSuite(sqliteBus(bench), true),
  invoke: invokeSuite,
  kubernetes: async () => {
    const cluster = await openCluster();
    opened.defer(() => cluster.close());
    return clusterSuite(cluster);
  },
};

async function openKafka(options: Options): Promise<Broker> {
  const { brokers, pids, remove } = await startKafka(options);
  return together(await kafkaBackend(brokers, pids), remove);
}

async function openKafkaBus(options: Options): Promise<Bus> {
  const { brokers, pids, remove } = await startKafka(options);
  const kafka = await kafkaBackend(brokers, pids);
  return together(kafkaBus(brokers, kafka), remove);
}

async function openRedis(): Promise<Store> {
  const { port, pid, remove } = await startRedis();
  return together(await redisStore(port, [pid]), remove);
}

async function openRedisBus(): Promise<Bus> {
  const { port, pid, remove } = await startRedis();
  return together(await redisBus(port, [pid]), remove);
}

/** A backend that answers, and ends together with its container. */
function together<B extends Backend>(
  backend: B,
  remove: () => Promise<void>,
): B {
  process.stderr.write("ready\n");
  return {
    ...backend,
    async close() {
      await backend.close();
      await remove();
    },
  };
}

async function startKafka({ brokers }: Options) {
  if (brokers !== undefined) {
    process.stderr.write(`Kafka at ${brokers} … `);
    return { brokers, pids: [], remove: async () => {} };
  }
  process.stderr.write("starting Kafka in Docker … ");
  const container = await startKafkaContainer();
  opened.defer(() => container.remove());
  return {
    brokers: container.brokers,
    pids: [container.pid],
    remove: () => container.remove(),
  };
}

async function startRedis() {
  process.stderr.write("starting Redis in Docker … ");
  const container = await startRedisContainer();
  opened.defer(() => container.remove());
  return container;
}

let ending: Promise<never> | undefined;

function end(code: number): Promise<never> {
  return (ending ??= opened.disposeAsync().then(() => process.exit(code)));
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)
  process.on(signal, () => {
    process.stderr.write(`\n${signal}: stopping what the bench started\n`);
    void end(code);
  });

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(usage);
  else await end(await main(options));
} catch (error) {
  // After Ctrl+C the errors that follow come from the interruption.
  if (ending === undefined)
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)}\n`,
    );
  await end(1);
}
