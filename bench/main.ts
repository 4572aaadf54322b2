/**
 * npm run bench: measures our sidecar, and others in turn with it, on the same
 * broker in the same run. Everything it starts listens on loopback, has a time limit
 * and is stopped at the end, also on Ctrl+C.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Broker, Store } from "./backends/backend.ts";
import { startKafkaContainer } from "./backends/kafka-container.ts";
import { kafkaBackend } from "./backends/kafka.ts";
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
  invoke: invokeSuite,
  kubernetes: async () => {
    const cluster = await openCluster();
    opened.defer(() => cluster.close());
    return clusterSuite(cluster);
  },
};

async function openKafka(options: Options): Promise<Broker> {
  if (options.brokers !== undefined) return kafkaBackend(options.brokers, []);
  process.stderr.write("starting Kafka in Docker … ");
  const container = await startKafkaContainer();
  opened.defer(() => container.remove());
  const backend = await kafkaBackend(container.brokers, [container.pid]);
  process.stderr.write("ready\n");
  return {
    ...backend,
    async close() {
      await backend.close();
      await container.remove();
    },
  };
}

async function openRedis(): Promise<Store> {
  process.stderr.write("starting Redis in Docker … ");
  const container = await startRedisContainer();
  opened.defer(() => container.remove());
  const store = await redisStore(container.port, [container.pid]);
  process.stderr.write("ready\n");
  return {
    ...store,
    async close() {
      await store.close();
      await container.remove();
    },
  };
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
