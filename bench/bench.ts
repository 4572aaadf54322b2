/** What every scenario gets and returns. */
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
  /** The run's folder: resources and logs of each sidecar. */
  folder: string;
}

export interface Measurement {
  metric: string;
  unit: string;
  better: "lower" | "higher" | "neither";
  value: number;
  /** The share of one core that other programs used meanwhile. */
  othersShare?: number;
}

export type Scenario<B extends Backend = Broker> = (
  bench: Bench,
  target: Target,
  backend: B,
) => Promise<Measurement[]>;

let count = 0;

/** Starts a sidecar whose only component, if any, is named `bench`. It is told the app's port only if it is to call the app. */
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
export const publishPath = (topic: string) => `/v1.0/publish/bench/${topic}`;
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

/** Throws unless every order was acknowledged, and every acknowledged order is stored. */
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

/** The share of saves that a store may refuse: the original's SQLite is too busy now and then. */
const refusedAtMost = 0.01;

/** Like {@link requireAcked}, but a few refused saves do not end the sample. */
export function requireSaved(result: LoadResult, stored: number): void {
  const isFew = result.failed <= result.sent * refusedAtMost;
  requireAcked(isFew ? { ...result, failed: 0 } : result, stored);
}

export function requireDelivered(tally: Tally, sent: number): void {
  if (tally.unique !== sent)
    throw new Error(`LOST: ${tally.unique} of ${sent} orders reached the app`);
}

/** Throws unless every call succeeded with its own answer and reached the app once. */
export function requireCalled(result: LoadResult, echoes: number): void {
  requireAcked(result, result.acked);
  if (echoes !== result.acked)
    throw new Error(
      `${result.acked} calls answered, but the app was called ${echoes} times`,
    );
}
