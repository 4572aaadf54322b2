/** The command line of the bench. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { missingDashes } from "../scripts/options.ts";

const onBroker = [
  "direct",
  "start",
  "cold",
  "output",
  "input",
  "latency",
  "grpc",
] as const;
const onStore = ["direct", "start", "cold", "save", "get", "grpc"] as const;
const onBus = ["publish", "deliver", "bus-latency"] as const;
const onCluster = ["pod-start"] as const;
const onApp = [
  "direct",
  "cold",
  "own-app",
  "two-sidecars",
  "stream",
  "grpc",
] as const;

/** The backends, and the scenarios that each supports. */
const scenariosOf = {
  kafka: onBroker,
  sqlite: onBroker,
  "state-redis": onStore,
  "state-sqlite": onStore,
  "pubsub-kafka": onBus,
  "pubsub-redis": onBus,
  "pubsub-sqlite": onBus,
  invoke: onApp,
  kubernetes: onCluster,
};
/** This backend changes a cluster, so it runs only when it is named. */
const onlyNamed: readonly BackendName[] = ["kubernetes"];
export type BackendName = keyof typeof scenariosOf;
export type ScenarioName = (typeof scenariosOf)[BackendName][number];

const backendNames = Object.keys(scenariosOf) as BackendName[];
const scenarioNames = [...new Set(Object.values(scenariosOf).flat())];

export interface Options {
  /** Other sidecars that are measured in turn with ours. */
  sidecars: string[];
  sidecarArgs: string[];
  /** Our sidecar is left out. */
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
  markdown: boolean;
  help: boolean;
}

export const usage = `Usage: npm run bench [NAMES] [-- options]

Measures the sidecar, side by side with another one if you name it.

  --sidecar PATH       another daprd to run in turn with ours (repeatable; .js is run by node)
  --sidecar-arg=ARG    one more argument for the others (repeatable), e.g. --sidecar-arg=--enable-metrics=false
  --skip-own           measure only the others
  NAMES                comma list of what is behind the sidecar (${backendNames.join(", ")})
                       and of scenarios (${scenarioNames.join(", ")})
                       kubernetes runs only if named, in the cluster of DAPR_TEST_KUBECONFIG
  --quick              one round, short windows: to see that it runs, not to quote
  --rounds N           rounds, each measuring every sidecar in turn (5)
  --seconds N          length of one measuring window (5)
  --backlog N          orders in the prefilled topic (20000)
  --brokers HOST:PORT  use this Kafka; without it the bench starts one in Docker and removes it
  --markdown           print the table for a document
  --json FILE          also write every sample as JSON
  --help
`;

const table = {
  sidecar: { type: "string", multiple: true, default: [] },
  "sidecar-arg": { type: "string", multiple: true, default: [] },
  "skip-own": { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
  rounds: { type: "string" },
  seconds: { type: "string" },
  backlog: { type: "string" },
  brokers: { type: "string" },
  json: { type: "string" },
  markdown: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} satisfies ParseArgsOptionsConfig;

export function parseOptions(
  argv: string[],
  env: NodeJS.ProcessEnv = process.env,
): Options {
  const kept = missingDashes("bench", table, true, argv, env);
  if (kept) throw new Error(kept);
  const { values, positionals } = parseArgs({
    args: argv,
    options: table,
    allowPositionals: true,
  });
  const only = positionals.flatMap((names) => names.split(","));
  const names: string[] = [...backendNames, ...scenarioNames];
  for (const name of only)
    if (!names.includes(name))
      throw new Error(`bench: ${name}: it takes ${names.join(", ")}`);
  const scenarios = chosen(scenarioNames, only);
  const backends = chosen(backendNames, only).filter(
    (backend) =>
      scenariosOf[backend].some((scenario) => scenarios.includes(scenario)) &&
      (!onlyNamed.includes(backend) ||
        [backend, ...scenariosOf[backend]].some((name) => only.includes(name))),
  );
  if (backends.length === 0)
    throw new Error(
      `bench: ${only.join(",")}: none of these scenarios is for what is named behind the sidecar`,
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
    scenarios,
    backends,
    brokers: values.brokers,
    rounds: positive("rounds", values.rounds, values.quick ? 1 : 5),
    windowMs: seconds * 1000,
    warmUpMs: values.quick ? 500 : 2000,
    idleMs: values.quick ? 1000 : 3000,
    backlog: positive("backlog", values.backlog, values.quick ? 5000 : 20_000),
    json: values.json,
    markdown: values.markdown,
    help: values.help,
  };
}

/** The names of this list that were given, or the whole list if none was. */
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
