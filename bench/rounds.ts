/** All scenarios on one broker, the sidecars in turn. */
import type { Backend } from "./backends/backend.ts";
import type { Bench, Measurement, Scenario } from "./bench.ts";
import type { ScenarioName } from "./options.ts";
import type { Failure, Sample } from "./report.ts";
import { direct } from "./scenarios/direct.ts";
import { input } from "./scenarios/input.ts";
import { latency } from "./scenarios/latency.ts";
import { output } from "./scenarios/output.ts";
import { start } from "./scenarios/start.ts";
import { killSidecars, type Target } from "./sidecar.ts";

const scenarios: Record<ScenarioName, Scenario> = {
  direct,
  start,
  output,
  input,
  latency,
};

export interface Results {
  samples: Sample[];
  failures: Failure[];
}

export async function runRounds(
  bench: Bench,
  backend: Backend,
  targets: readonly Target[],
): Promise<Results> {
  const results: Results = { samples: [], failures: [] };
  const able = targets.filter(
    (target) => backend.name !== "sqlite" || target.own,
  );
  if (able.length === 0) return results;
  await warmUp(bench, backend, able[0]!);
  for (const scenario of bench.options.scenarios)
    // Starts scatter most and cost least.
    for (
      let round = 0;
      round < Math.max(scenario === "start" ? 5 : 1, bench.options.rounds);
      round++
    )
      // ABBA: a machine that slows down or warms up favours neither.
      for (const target of round % 2 === 0 ? able : able.toReversed()) {
        const of = { backend: backend.name, target: target.label, round };
        process.stderr.write(
          `${backend.name} ${scenario} ${round + 1} ${target.label} … `,
        );
        try {
          const measured: Measurement[] = await scenarios[scenario](
            bench,
            target,
            backend,
          );
          for (const measurement of measured)
            results.samples.push({ ...measurement, ...of });
          process.stderr.write("ok\n");
        } catch (error) {
          killSidecars();
          results.failures.push({ ...of, scenario, error: String(error) });
          process.stderr.write(`FAILED\n${String(error)}\n`);
        }
      }
  return results;
}

/** The first to use a broker would pay for its cold code and its first consumer group. */
async function warmUp(
  bench: Bench,
  backend: Backend,
  target: Target,
): Promise<void> {
  process.stderr.write(`${backend.name} warming up … `);
  const short = {
    ...bench,
    options: { ...bench.options, windowMs: 1000, warmUpMs: 500, idleMs: 0 },
  };
  await start(short, target, backend);
  await output(short, target, backend);
  await latency(short, target, backend);
  process.stderr.write("ok\n");
}
