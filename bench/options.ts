/** The command line of the bench. */
import { parseArgs } from "node:util";

export const scenarioNames = [
  "direct",
  "start",
  "output",
  "input",
  "latency",
] as const;
export type ScenarioName = (typeof scenarioNames)[number];
export const backendNames = ["kafka", "sqlite"] as const;
export type BackendName = (typeof backendNames)[number];

export interface Options {
  /** Other sidecars to run in turn with ours. */
  sidecars: string[];
  sidecarArgs: string[];
  /** Leave ours out. */
  skipOwn: boolean;
  scenarios: ScenarioName[];
  backends: BackendName[];
  brokers: string | undefined;
  rounds: number;
  windowMs: number;
  warmUpMs: number;
  idleMs: number;
  backlog: number;
  json: string | undefined;
  help: boolean;
}

export const usage = `Usage: npm run bench -- [options]

Measures the sidecar, side by side with another one if you name it.

  --sidecar PATH       another daprd to run in turn with ours (repeatable; .js is run by node)
  --sidecar-arg=ARG    one more argument for the others (repeatable), e.g. --sidecar-arg=--enable-metrics=false
  --skip-own           measure only the others
  --only NAMES         comma list of ${[...scenarioNames, ...backendNames].join(", ")}
  --quick              one round, short windows: to see that it runs, not to quote
  --rounds N           rounds, each measuring every sidecar in turn (5)
  --seconds N          length of one measuring window (5)
  --backlog N          orders in the prefilled topic (20000)
  --brokers HOST:PORT  use this Kafka; without it the bench starts one in Docker and removes it
  --json FILE          also write every sample as JSON
  --help
`;

export function parseOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      sidecar: { type: "string", multiple: true, default: [] },
      "sidecar-arg": { type: "string", multiple: true, default: [] },
      "skip-own": { type: "boolean", default: false },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string" },
      backlog: { type: "string" },
      brokers: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",") ?? [];
  for (const name of only)
    if (![...scenarioNames, ...backendNames].includes(name as ScenarioName))
      throw new Error(
        `bench: --only ${name}: it takes ${[...scenarioNames, ...backendNames].join(", ")}`,
      );
  if (values["skip-own"] && values.sidecar.length === 0)
    throw new Error(
      "bench: --skip-own leaves nothing to measure; name a --sidecar",
    );
  const seconds = positive("seconds", values.seconds, values.quick ? 1.5 : 5);
  return {
    sidecars: values.sidecar,
    sidecarArgs: values["sidecar-arg"],
    skipOwn: values["skip-own"],
    scenarios: chosen(scenarioNames, only),
    backends: chosen(backendNames, only),
    brokers: values.brokers,
    rounds: positive("rounds", values.rounds, values.quick ? 1 : 5),
    windowMs: seconds * 1000,
    warmUpMs: values.quick ? 500 : 2000,
    idleMs: values.quick ? 1000 : 3000,
    backlog: positive("backlog", values.backlog, values.quick ? 5000 : 20_000),
    json: values.json,
    help: values.help,
  };
}

/** Those named; all if none of this list is. */
function chosen<T extends string>(
  all: readonly T[],
  only: readonly string[],
): T[] {
  const named = all.filter((name) => only.includes(name));
  return named.length > 0 ? named : [...all];
}

function positive(
  flag: string,
  value: string | undefined,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!(number > 0 && Number.isFinite(number)))
    throw new Error(`bench: --${flag} ${value}: a number above 0 is needed`);
  return number;
}
