/**
 * npm run soak: two sidecars under the same moderate load for as long as asked.
 * Orders are saved, read back and sent to the other sidecar's app.
 * Memory and descriptors must stay where they are; no order may fail.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { missingDashes } from "../scripts/options.ts";
import { sqliteStore } from "./backends/state-sqlite.ts";
import {
  requireAcked,
  requireCalled,
  startWith,
  statePath,
  type Bench,
} from "./bench.ts";
import { Helper } from "./child.ts";
import type { LoadResult, OpenLoad } from "./load.ts";
import { parseOptions } from "./options.ts";
import { echoPath, untilAnswered } from "./peers.ts";
import { hasProc } from "./proc.ts";
import { killSidecars, ownTarget, type Sidecar } from "./sidecar.ts";
import { judge, Watch } from "./soak-watch.ts";

const usage = `Usage: npm run soak -- [options]

Saves, reads and calls at a steady rate through two sidecars, and watches their memory and descriptors.

  --minutes N   how long (120)
  --rate N      requests per second, a third of each kind (500)
  --help
`;

/** Keys are used again after so many, so that the store does not grow. */
const keys = 10_000;
/** Each segment opens new connections. It is shorter than the time that a sidecar waits for a connection's first byte. */
const segmentSeconds = 8;

interface Peers {
  caller: Sidecar;
  callee: Sidecar;
}

interface Soak {
  minutes: number;
  rate: number;
}

function parse(argv: string[]): Soak | undefined {
  const options = {
    minutes: { type: "string", default: "120" },
    rate: { type: "string", default: "500" },
    help: { type: "boolean", default: false },
  } as const;
  const kept = missingDashes("soak", options);
  if (kept) throw new Error(kept);
  const { values } = parseArgs({ args: argv, options });
  if (values.help) return undefined;
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  if (!(minutes > 0 && rate >= 3))
    throw new Error("soak: --minutes is above 0, --rate 3 or more");
  return { minutes, rate };
}

const opened = new AsyncDisposableStack();

async function main({ minutes, rate }: Soak): Promise<number> {
  if (!hasProc)
    throw new Error("soak: memory and descriptors are read from /proc (Linux)");
  const folder = mkdtempSync(join(tmpdir(), "dapr-soak-"));
  opened.defer(() => rmSync(folder, { recursive: true }));
  const load = new Helper("load.ts");
  opened.defer(() => load.stop());
  const app = new Helper("app.ts");
  opened.defer(() => app.stop());
  const appPort = await app.call<number>("listen");
  opened.defer(killSidecars);
  const bench: Bench = {
    options: parseOptions([]),
    load,
    app,
    appPort,
    folder,
  };
  const store = sqliteStore(folder).component();
  const callee = await startWith(bench, ownTarget, undefined, true);
  const caller = await startWith(bench, ownTarget, store, false);
  const peers: Peers = { caller, callee };
  await untilAnswered(caller, echoPath(callee));
  await prefill(bench, peers);

  const watch = new Watch({ caller: caller.pid, callee: callee.pid });
  const endAt = performance.now() + minutes * 60_000;
  while (performance.now() < endAt) {
    const seconds = Math.min(
      segmentSeconds,
      Math.ceil((endAt - performance.now()) / 1000),
    );
    const latencies = await segment(bench, peers, rate, seconds);
    await watch.endSegment();
    process.stdout.write(`${watch.line()}  ${latencies}\n`);
  }
  watch.stop();
  await caller.stop();
  await callee.stop();
  const { text, isSteady } = judge(watch, minutes);
  process.stdout.write(`\n${text}`);
  return isSteady ? 0 : 1;
}

const spread = (rate: number, seconds: number) => {
  const perSecond = rate / 3;
  return { perSecond, count: Math.round(perSecond * seconds) };
};

/** Saves every key once, so that each get finds its order. */
async function prefill({ load }: Bench, { caller }: Peers): Promise<void> {
  const result = await load.call<LoadResult>("closed", {
    port: caller.httpPort,
    path: statePath,
    kind: "save",
    connections: 16,
    warmUpMs: 0,
    windowMs: 120_000,
    limit: keys,
  });
  requireAcked(result, keys);
}

/** Runs all three kinds of request at once. Every answer must be right. */
async function segment(
  { load, app }: Bench,
  { caller, callee }: Peers,
  rate: number,
  seconds: number,
): Promise<string> {
  const run = (asked: Pick<OpenLoad, "path" | "kind">) =>
    load.call<LoadResult>("open", {
      port: caller.httpPort,
      idSpan: keys,
      ...spread(rate, seconds),
      ...asked,
    });
  await app.call("echoes");
  const [saved, read, called] = await Promise.all([
    run({ path: statePath, kind: "save" }),
    run({ path: statePath, kind: "get" }),
    run({ path: echoPath(callee), kind: "call" }),
  ]);
  requireAcked(saved, saved.acked);
  requireAcked(read, read.acked);
  requireCalled(called, await app.call<number>("echoes"));
  const p99 = ({ latency }: LoadResult) => latency!.p99.toFixed(1);
  return `p99 ms: save ${p99(saved)}, get ${p99(read)}, call ${p99(called)}`;
}

let ending: Promise<never> | undefined;

function end(code: number): Promise<never> {
  return (ending ??= opened.disposeAsync().then(() => process.exit(code)));
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)
  process.on(signal, () => void end(code));

try {
  const soak = parse(process.argv.slice(2));
  if (!soak) process.stdout.write(usage);
  else await end(await main(soak));
} catch (error) {
  if (ending === undefined)
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)}\n`,
    );
  await end(1);
}
