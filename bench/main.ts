/**
 * npm run bench: measures our sidecar, and another in turn with it, on the same
 * broker in the same run. Everything it starts is on loopback, bounded in time
 * and stopped at the end, also on Ctrl+C.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend } from "./backends/backend.ts";
import { startKafkaContainer } from "./backends/kafka-container.ts";
import { kafkaBackend } from "./backends/kafka.ts";
import type { Bench, Measurement, Scenario } from "./bench.ts";
import { Helper } from "./child.ts";
import { parseOptions, usage, type Options } from "./options.ts";
import { json, table, type Failure, type Sample } from "./report.ts";
import { direct } from "./scenarios/direct.ts";
import { input } from "./scenarios/input.ts";
import { latency } from "./scenarios/latency.ts";
import { output } from "./scenarios/output.ts";
import { start } from "./scenarios/start.ts";
import {
  killSidecars,
  otherTarget,
  ownTarget,
  type Target,
} from "./sidecar.ts";

const scenarios: Record<string, Scenario> = { start, output, input, latency };
const opened = new AsyncDisposableStack();

async function bench(options: Options): Promise<number> {
  const targets: Target[] = [
    ...(options.skipOwn ? [] : [ownTarget]),
    ...options.sidecars.map((path) => otherTarget(path, options.sidecarArgs)),
  ];
  const folder = mkdtempSync(join(tmpdir(), "dapr-bench-"));
  opened.defer(killSidecars);
  const load = new Helper("load.ts");
  opened.defer(() => load.stop());
  const app = new Helper("app.ts");
  opened.defer(() => app.stop());
  const context: Bench = {
    options,
    load,
    app,
    folder,
    appPort: await app.call<number>("listen"),
  };
  const samples: Sample[] = [];
  const failures: Failure[] = [];

  async function measure(
    of: { backend: string; target: string; scenario: string; round: number },
    take: () => Promise<Measurement[]>,
  ): Promise<void> {
    const { backend, target, scenario, round } = of;
    process.stderr.write(
      `round ${round + 1}: ${backend} ${scenario} ${target} … `,
    );
    try {
      for (const measurement of await take())
        samples.push({ ...measurement, backend, target, round });
      process.stderr.write("ok\n");
    } catch (error) {
      killSidecars();
      failures.push({ backend, target, scenario, round, error: String(error) });
      process.stderr.write(`FAILED\n${String(error)}\n`);
    }
  }

  for (const backend of await openBackends(options)) {
    for (const scenario of options.scenarios) {
      // Starts scatter most and cost least.
      const rounds =
        scenario === "start" ? Math.max(5, options.rounds) : options.rounds;
      for (let round = 0; round < rounds; round++)
        for (const target of targets) {
          if (backend.name === "sqlite" && !target.own) continue;
          const of = {
            backend: backend.name,
            target: target.label,
            scenario,
            round,
          };
          await measure(of, () =>
            scenario === "direct"
              ? direct(context)
              : scenarios[scenario]!(context, target, backend),
          );
        }
    }
  }
  process.stdout.write(
    `\n${table(
      samples,
      targets.map((target) => target.label),
    )}`,
  );
  for (const { backend, scenario, target, round, error } of failures)
    process.stdout.write(
      `FAILED: ${backend} ${scenario} ${target}, round ${round + 1}: ${error}\n`,
    );
  const commands = Object.fromEntries(
    targets.map((target) => [target.label, target.command]),
  );
  if (options.json !== undefined)
    writeFileSync(options.json, json(samples, failures, commands));
  if (failures.length > 0) return 1; // keeps the folder: its logs say why
  rmSync(folder, { recursive: true });
  return 0;
}

async function openBackends(options: Options): Promise<Backend[]> {
  const backends: Backend[] = [];
  for (const name of options.backends) {
    if (name === "sqlite") continue;
    process.stderr.write("starting Kafka … ");
    const container =
      options.brokers === undefined ? await startKafkaContainer() : undefined;
    if (container) opened.defer(() => container.remove());
    const backend = await kafkaBackend(
      options.brokers ?? container!.brokers,
      container ? [container.pid] : [],
    );
    opened.defer(() => backend.close());
    process.stderr.write("ready\n");
    backends.push(backend);
  }
  return backends;
}

let ending = false;

async function end(code: number): Promise<never> {
  if (!ending) {
    ending = true;
    await opened.disposeAsync();
    process.exit(code);
  }
  return new Promise(() => {});
}

for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
] as const)
  process.on(signal, () => {
    process.stderr.write(`\n${signal}: stopping what the bench started\n`);
    void end(128 + number);
  });

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(usage);
  else await end(await bench(options));
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\n`,
  );
  await end(1);
}
