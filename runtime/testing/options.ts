/** What `startSidecar` takes, and the arguments that its values become. */
import { nearestName } from "../shared/nearest-name.ts";
import { limitEnv } from "../shared/process/node-limits.ts";
import type { SidecarOptions } from "./index.cjs";

const known: Record<keyof SidecarOptions, true> = {
  appPort: true,
  appId: true,
  appProtocol: true,
  components: true,
  resourcesPath: true,
  configuration: true,
  httpPort: true,
  grpcPort: true,
  env: true,
  args: true,
  logLevel: true,
  waitForApp: true,
  appTimeoutMs: true,
};

/** Throws on a name that is no option: a slip must not be ignored. */
export function checkOptions(options: SidecarOptions): void {
  const names = Object.keys(known);
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const near = nearestName(name, names);
    throw new TypeError(
      `startSidecar: there is no option "${name}"; ${near ? `did you mean "${near}"?` : `there are ${names.join(", ")}`}`,
    );
  }
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
