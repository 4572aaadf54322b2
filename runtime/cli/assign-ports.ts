/** Gives every port of an app's sidecar a number that is free and nobody else's. */
import type { AppSpec } from "./app-spec.ts";
import { CommandError } from "./command.ts";
import type { Instance } from "./instances.ts";
import { freePorts, isFree } from "./ports.ts";

/** Names as the original's error says them. */
const keys = {
  HTTPPort: "daprHttpPort",
  GRPCPort: "daprGrpcPort",
  MetricsPort: "metricsPort",
  InternalGRPCPort: "daprInternalGrpcPort",
  ProfilePort: "profilePort",
} as const satisfies Record<string, keyof AppSpec>;

const flagOf = {
  HTTPPort: "dapr-http-port",
  GRPCPort: "dapr-grpc-port",
  MetricsPort: "metrics-port",
  InternalGRPCPort: "dapr-internal-grpc-port",
  ProfilePort: "profile-port",
} as const satisfies Record<keyof typeof keys, string>;

/** `reserved`: app ports of the same run, which nobody may be listening on yet. */
export async function assignPorts(
  spec: AppSpec,
  running: readonly Instance[],
  reserved: readonly number[] = [],
): Promise<void> {
  const taken = new Set<number>(reserved);
  if (spec.appPort > 0) taken.add(spec.appPort);
  const open: (keyof typeof keys)[] = [];
  for (const name of Object.keys(keys) as (keyof typeof keys)[]) {
    const port = spec[keys[name]];
    if (port <= 0) {
      // Not served unless asked for; the original passes the -1 on.
      if (name !== "ProfilePort" || spec.enableProfiling) open.push(name);
      continue;
    }
    if (port === spec.appPort) throw sameAsApp(name, port);
    if (taken.has(port) || !(await isFree(port)))
      throw busy(name, port, running, taken.has(port));
    taken.add(port);
  }
  const found = await freePorts(open.length, taken);
  open.forEach((name, at) => (spec[keys[name]] = found[at]!));
}

function sameAsApp(name: keyof typeof keys, port: number) {
  return new CommandError(
    `invalid configuration for ${name}. Port ${port} is the app's own port (--app-port): give another --${flagOf[name]}, or leave it out for a free one.`,
  );
}

function busy(
  name: keyof typeof keys,
  port: number,
  running: readonly Instance[],
  givenTwice: boolean,
) {
  const owner = running.find((i) => i.httpPort === port || i.grpcPort === port);
  const who = owner
    ? `The sidecar of app "${owner.appId}" listens on it: end it with \`dapr stop --app-id ${owner.appId}\``
    : givenTwice
      ? "It is given to something else in this run"
      : "Another process listens on it: end that";
  return new CommandError(
    `invalid configuration for ${name}. Port ${port} is not available\n` +
      `    ${who}${givenTwice ? ": give" : ", or give"} another --${flagOf[name]}, or leave it out for a free one.`,
  );
}
