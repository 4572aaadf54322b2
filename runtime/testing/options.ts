/** What `startSidecar` takes, and the arguments that its values become. */
import { nearestName } from "../shared/nearest-name.ts";
import { limitEnv } from "../shared/process/node-limits.ts";
import type { SidecarOptions } from "./index.cjs";

/** What a value may be. */
interface Kind {
  isOne(value: unknown): boolean;
  /** In words. */
  wanted: string;
}

const isText = (value: unknown) => typeof value === "string" && value !== "";
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isListOf = (isOne: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(isOne);

const port = (least: number): Kind => ({
  isOne: (value) =>
    Number.isInteger(value) &&
    (value as number) >= least &&
    (value as number) <= 65_535,
  wanted: `a port, a whole number from ${least} to 65535`,
});
const oneOf = (...names: string[]): Kind => ({
  isOne: (value) => names.includes(value as string),
  wanted: `one of ${names.map((name) => `"${name}"`).join(", ")}`,
});

/** What is in a text, a file or an object is checked by those who read it. */
const kinds: Record<keyof SidecarOptions, Kind> = {
  appPort: port(1),
  appId: { isOne: isText, wanted: "a text that is not empty" },
  appProtocol: oneOf("http", "https", "grpc", "grpcs", "h2c"),
  components: {
    isOne: () => true,
    wanted: "a text of YAML, a path, an object, or a list of them",
  },
  resourcesPath: {
    isOne: (value) => isText(value) || isListOf(isText)(value),
    wanted: "the path of a folder, or a list of them",
  },
  configuration: {
    isOne: () => true,
    wanted: "a text of YAML, a path or an object",
  },
  // 0 is any free port, as without the option.
  httpPort: port(0),
  grpcPort: port(0),
  env: {
    isOne: (value) =>
      isObject(value) &&
      Object.values(value).every(
        (one) => one === undefined || typeof one === "string",
      ),
    wanted: 'an object of texts, such as { MODE: "test" }',
  },
  args: {
    isOne: isListOf((one) => typeof one === "string"),
    wanted: 'a list of texts, such as ["--enable-app-health-check"]',
  },
  logLevel: oneOf("debug", "info", "warn", "error"),
  waitForApp: {
    isOne: (value) => typeof value === "boolean",
    wanted: "true or false",
  },
  appTimeoutMs: {
    isOne: (value) => typeof value === "number" && value >= 0,
    wanted: "a number of milliseconds, 0 or more",
  },
};

/** Throws a TypeError on what can't be right, and on a name that is no option: a slip must not be ignored. */
export function checkOptions(options: SidecarOptions): void {
  if (!isObject(options))
    throw new TypeError(
      `startSidecar takes an object of options, such as { appPort: 3000 }; this is ${shown(options)}`,
    );
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name)
      ? kinds[name as keyof SidecarOptions]
      : undefined;
    if (!kind) throw new TypeError(`startSidecar: ${unknown(name)}`);
    if (value === undefined || kind.isOne(value)) continue;
    throw new TypeError(
      `startSidecar: the option "${name}" is ${shown(value)}; give ${kind.wanted}`,
    );
  }
}

function unknown(name: string): string {
  const names = Object.keys(kinds);
  const near = nearestName(name, names);
  return `there is no option "${name}"; ${near ? `did you mean "${near}"?` : `there are ${names.join(", ")}`}`;
}

/** Text in quotes, so that "3000" and 3000 are told apart; of other things their kind. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 100));
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null
    ? "an object"
    : typeof value === "function"
      ? "a function"
      : String(value);
}

/** What the sidecar says of a value that can't be, it says itself. */
export function sidecarArgs(options: SidecarOptions, appId: string): string[] {
  return [
    `--app-id=${appId}`,
    ...(options.appPort === undefined ? [] : [`--app-port=${options.appPort}`]),
    `--app-protocol=${options.appProtocol ?? "http"}`,
    // 0 is any free port. One address, as a port that is free on one may be taken on another.
    "--dapr-listen-addresses=127.0.0.1",
    `--dapr-http-port=${options.httpPort ?? 0}`,
    `--dapr-grpc-port=${options.grpcPort ?? 0}`,
    "--enable-metrics=false",
    `--log-level=${options.logLevel ?? "info"}`,
    ...(options.args ?? []),
  ];
}

/** Of this process's environment: not what belongs to another sidecar, nor what a test runner tells its own Node. `registry`: where the sidecars of this process find each other. */
export function sidecarEnv(
  { env }: SidecarOptions,
  registry: string,
): NodeJS.ProcessEnv {
  const foreign = /^(DAPR_|NODE_OPTIONS$|NODE_V8_COVERAGE$|NODE_CHANNEL_)/i;
  const kept = Object.entries(process.env).filter(
    ([name]) => !foreign.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    DAPR_REGISTRY_PATH: registry,
    ...env,
    ...limitEnv,
    DAPR_LIFELINE_FD: "3",
  };
}
