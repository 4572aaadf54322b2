/** Runs all scenarios of one suite, the sidecars in turn. */
import type { Bench } from "./bench.ts";
import type { Failure, Sample } from "./report.ts";
import { killSidecars, type Target } from "./sidecar.ts";
import type { Suite } from "./suites.ts";

export interface Results {
  samples: Sample[];
  failures: Failure[];
}

export async function runRounds(
  bench: Bench,
  suite: Suite,
  targets: readonly Target[],
): Promise<Results> {
  const results: Results = { samples: [], failures: [] };
  const able = targets.filter((target) => !suite.ownOnly || target.own);
  if (able.length === 0) return results;
  const { name } = suite.backend;
  await warmUp(bench, suite, able[0]!);
  for (const scenario of bench.options.scenarios) {
    const run = suite.scenarios[scenario];
    if (run === undefined) continue;
    // Start times vary most and cost least to measure, so there are more of them.
    for (
      let round = 0;
      round < Math.max(scenario === "start" ? 5 : 1, bench.options.rounds);
      round++
    )
      // The order is ABBA, so that a machine that slows down or warms up favours neither.
      for (const target of round % 2 === 0 ? able : able.toReversed()) {
        const of = { backend: name, target: target.label, round };
        process.stderr.write(
          `${name} ${scenario} ${round + 1} ${target.label} … `,
        );
        try {
          for (const measurement of await run(bench, target))
            results.samples.push({ ...measurement, ...of });
          process.stderr.write("ok\n");
        } catch (error) {
          killSidecars();
          results.failures.push({ ...of, scenario, error: String(error) });
          process.stderr.write(`FAILED\n${String(error)}\n`);
        }
      }
  }
  return results;
}

async function warmUp(
  bench: Bench,
  suite: Suite,
  target: Target,
): Promise<void> {
  process.stderr.write(`${suite.backend.name} warming up … `);
  const short = {
    ...bench,
    options: { ...bench.options, windowMs: 1000, warmUpMs: 500, idleMs: 0 },
  };
  for (const scenario of suite.warmUp) await scenario(short, target);
  process.stderr.write("ok\n");
}
