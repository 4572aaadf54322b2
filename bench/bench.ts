/** What every scenario works with, and what it returns. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Backend, Broker } from "./backends/backend.ts";
import type { Tally } from "./app.ts";
import type { Helper } from "./child.ts";
import type { LoadResult } from "./load.ts";
import type { Options } from "./options.ts";
import { watchCpu, type Usage } from "./proc.ts";
import {
  startSidecar,
  type Sidecar,
  type StartOptions,
  type Target,
} from "./sidecar.ts";

export interface Bench {
  options: Options;
  load: Helper;
  app: Helper;
  appPort: number;
  /** Of the run: resources and logs of each sidecar. */
  folder: string;
}

export interface Measurement {
  metric: string;
  unit: string;
  better: "lower" | "higher" | "neither";
  value: number;
  /** Share of one core that others used meanwhile. */
  othersShare?: number;
}

export type Scenario<B extends Backend = Broker> = (
  bench: Bench,
  target: Target,
  backend: B,
) => Promise<Measurement[]>;

let count = 0;

/** Starts a sidecar whose only component, if any, is named `bench`. It knows the app only if it is to call it. */
export function startWith(
  bench: Bench,
  target: Target,
  component: string | undefined,
  withApp: boolean,
  more: Partial<StartOptions> = {},
): Promise<Sidecar> {
  const appId = `bench-${process.pid}-${++count}`;
  const resources = join(bench.folder, appId);
  mkdirSync(resources);
  if (component !== undefined)
    writeFileSync(join(resources, "bench.yaml"), component);
  return startSidecar(target, {
    appId,
    resources,
    logFile: join(bench.folder, `${appId}.log`),
    ...(withApp ? { appPort: bench.appPort } : {}),
    ...more,
  });
}

export const bindingPath = "/v1.0/bindings/bench";
export const statePath = "/v1.0/state/bench";

export function watch(
  bench: Bench,
  backend: Backend,
  sidecars: Sidecar[],
): () => Usage {
  return watchCpu(
    sidecars.map((sidecar) => sidecar.pid),
    [process.pid, bench.load.pid, bench.app.pid, ...backend.pids],
  );
}

/** Every order the sidecar acknowledged must be stored, and all must have been acknowledged. */
export function requireAcked(result: LoadResult, stored: number): void {
  if (result.failed > 0)
    throw new Error(
      `${result.failed} of ${result.sent} orders failed, the first with: ${result.firstFailure}`,
    );
  if (stored < result.acked)
    throw new Error(
      `LOST: ${result.acked} orders acknowledged, ${stored} stored`,
    );
}

/** Share of saves a store may refuse: the original's SQLite is now and then too busy. */
const refusedAtMost = 0.01;

/** As {@link requireAcked}, but a few refused saves are a figure, not the end of the sample. */
export function requireSaved(result: LoadResult, stored: number): void {
  const isFew = result.failed <= result.sent * refusedAtMost;
  requireAcked(isFew ? { ...result, failed: 0 } : result, stored);
}

export function requireDelivered(tally: Tally, sent: number): void {
  if (tally.unique !== sent)
    throw new Error(`LOST: ${tally.unique} of ${sent} orders reached the app`);
}

/** A call must succeed, with its own answer, and reach the app once. */
export function requireCalled(result: LoadResult, echoes: number): void {
  requireAcked(result, result.acked);
  if (echoes !== result.acked)
    throw new Error(
      `${result.acked} calls answered, but the app was called ${echoes} times`,
    );
}
