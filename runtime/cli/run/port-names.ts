/** The ports of an app and its sidecar, by their names: in the original's errors, as a flag and as a run file's key. */
import { allOptions, type Options } from "../../options/index.ts";
import type { Port } from "../../options/option.ts";
import type { AppSpec } from "./app-spec.ts";
import type { RunFlags } from "./run-flags.ts";

type PortFlag = {
  [K in keyof Options]: Options[K] extends { port: object } ? K : never;
}[keyof Options];

export interface PortName extends Port {
  flag: PortFlag;
  key: string;
  with?: keyof RunFlags;
}

export const ports = allOptions.flatMap(([flag, { port, file }]) =>
  port && file ? [{ ...port, flag, key: file.key } as PortName] : [],
);

export const sidecarPorts = ports.filter((one) => one.of === "sidecar");

/** Those that have a number, not those that are still to be picked. */
export const givenPorts = (spec: AppSpec): number[] =>
  ports.map(({ flag }) => spec[flag]).filter((port) => port > 0);
