/** Gives each port of an app's sidecar a number that is free and not promised to another app. */
import type { AppSpec } from "./app-spec.ts";
import { CommandError } from "../command.ts";
import type { Instance } from "../instances/instances.ts";
import { ports, sidecarPorts } from "./port-names.ts";
import type { PortName } from "./port-names.ts";
import { freePorts, isFree } from "./ports.ts";

/** `reserved`: app ports of the same run; nothing need listen on them yet. */
export async function assignPorts(
  spec: AppSpec,
  running: readonly Instance[],
  reserved: readonly number[] = [],
): Promise<void> {
  checkDistinct(spec);
  const taken = new Set<number>(reserved);
  const appPort = spec["app-port"];
  if (appPort > 0) taken.add(appPort);
  const open: PortName[] = [];
  for (const one of sidecarPorts) {
    const port = spec[one.flag];
    if (port <= 0) {
      // It is not served unless asked for; the original passes -1 on.
      if (!one.with || spec[one.with]) open.push(one);
      continue;
    }
    if (taken.has(port) || !(await isFree(port)))
      throw busy(one, port, running, taken.has(port));
    taken.add(port);
  }
  const found = await freePorts(open.length, taken);
  open.forEach(({ flag }, at) => (spec[flag] = found[at]!));
}

/** Throws if two of the ports that the app is given are the same. */
export function checkDistinct(spec: AppSpec): void {
  const seen = new Set<number>();
  for (const one of sidecarPorts) {
    const port = spec[one.flag];
    if (port <= 0) continue;
    if (port === spec["app-port"]) throw sameAsApp(one, port);
    if (seen.has(port)) throw busy(one, port, [], true);
    seen.add(port);
  }
}

/**
 * Throws if one of `spec`'s given ports belongs to an earlier app of the same
 * run file. Two apps may share an app port: one of them may be on another machine.
 */
export function checkApart(spec: AppSpec, earlier: readonly AppSpec[]): void {
  for (const { name, of, flag, key } of ports)
    for (const other of earlier) {
      const port = spec[flag];
      const same = ports.find((one) => port > 0 && other[one.flag] === port);
      if (!same || (same.of === "app" && of === "app")) continue;
      throw new CommandError(
        `invalid configuration for ${name}. Port ${port} is not available\n` +
          `    It is the ${same.key} of app "${other["app-id"]}": give another ${key}${of === "app" ? "" : ", or leave it out for a free one"}.`,
      );
    }
}

function sameAsApp({ name, flag, key }: PortName, port: number) {
  return new CommandError(
    `invalid configuration for ${name}. Port ${port} is the app's own port (--app-port, appPort): give another --${flag} (${key}), or leave it out for a free one.`,
  );
}

function busy(
  { name, flag, key }: PortName,
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
      `    ${who}${givenTwice ? ": give" : ", or give"} another --${flag} (${key}), or leave it out for a free one.`,
  );
}
