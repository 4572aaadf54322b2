/** Starts the shipped sidecar, dist/daprd.js, as a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  limitEnv,
  nodeLimits,
} from "../../runtime/shared/process/node-limits.ts";
import { waitFor } from "../wait-for.ts";
import { call, type Reply, type CallOptions } from "./http.ts";
import { freePorts } from "./ports.ts";

export const bundle = join(__dirname, "..", "..", "dist", "daprd.js");

/** Another make of sidecar to run the tests against: what it does too is no mistake of the test. */
export const otherSidecar = process.env["DAPR_TEST_DAPRD"];

export interface DaprdOptions {
  appId?: string;
  appPort?: number;
  /** The ports of HTTP and gRPC, for an app that has to know them first. */
  ports?: [number, number];
  /** More flags. They may override the ports. */
  args?: string[];
  /** Added to the sidecar's small environment. `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** The files of its resources folder: name → text. */
  resources?: Record<string, string>;
  /** What to wait for: `outbound` (default) needs no app, `ready` needs it, `nothing` is for a sidecar that fails. */
  until?: "outbound" | "ready" | "nothing";
  nodeArgs?: string[];
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Daprd {
  child: ChildProcess;
  pid: number;
  port: number;
  grpcPort: number;
  metricsPort: number;
  resources: string;
  /** Everything printed so far, on both streams. */
  output(): string;
  /** The `msg` of each log line so far. */
  messages(): string[];
  /** Resolves with the first log line that contains the text, once there is one. */
  logged(text: string, timeoutMs?: number): Promise<string>;
  exited: Promise<Exit>;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  /** Sends SIGTERM, and SIGKILL after a minute. Resolves with the exit. Removes the folder. */
  stop(): Promise<Exit>;
}

const running = new Set<Daprd>();

/** For afterEach: ends every sidecar that a test left. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((sidecar) => sidecar.stop()));
}

export async function startDaprd(options: DaprdOptions = {}): Promise<Daprd> {
  const [freeHttp, freeGrpc, metricsPort] = (await freePorts(3)) as [
    number,
    number,
    number,
  ];
  const [port, grpcPort] = options.ports ?? [freeHttp, freeGrpc];
  const resources = mkdtempSync(join(tmpdir(), "daprd-test-"));
  for (const [name, text] of Object.entries(options.resources ?? {})) {
    mkdirSync(dirname(join(resources, name)), { recursive: true });
    writeFileSync(join(resources, name), text);
  }
  const [program, ...first] = otherSidecar
    ? [otherSidecar]
    : [process.execPath, ...nodeLimits, ...(options.nodeArgs ?? []), bundle];
  const args = [
    ...first,
    `--app-id=${options.appId ?? "testapp"}`,
    `--dapr-http-port=${port}`,
    `--dapr-grpc-port=${grpcPort}`,
    `--metrics-port=${metricsPort}`,
    `--resources-path=${resources}`,
    ...(options.appPort ? ["--app-port", `${options.appPort}`] : []),
    ...(options.args ?? []),
  ];
  const child = spawn(program!, args, {
    env: cleanEnv({
      DAPR_LIFELINE_FD: "3",
      // A registry of its own, since other tests' sidecars have the same app IDs.
      DAPR_REGISTRY_PATH: join(resources, ".sidecars"),
      ...limitEnv,
      ...options.env,
    }),
    // The fourth stream is the lifeline: when a test run is killed, its sidecars end.
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  child.stdio[3]?.on("error", () => {}); // it is reset when the sidecar exits
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exited = new Promise<Exit>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  const messages = () =>
    [...output.matchAll(/ msg=("(?:[^"\\]|\\.)*")/g)].map(
      ([, text]) => JSON.parse(text!) as string,
    );
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const sidecar: Daprd = {
    child,
    pid: child.pid!,
    port,
    grpcPort,
    metricsPort,
    resources,
    output: () => output,
    messages,
    logged: (text, timeoutMs) =>
      waitFor(
        `the log line "${text}"`,
        () => messages().find((line) => line.includes(text)),
        timeoutMs,
      ).catch((error: Error) => {
        throw new Error(`${error.message}; it printed:\n${output}`);
      }),
    exited,
    call: (method, path, more) => call(port, method, path, more),
    async stop() {
      if (!hasEnded()) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
      const exit = await exited;
      clearTimeout(timer);
      running.delete(sidecar);
      rmSync(resources, { recursive: true, force: true });
      return exit;
    },
  };
  running.add(sidecar);
  const until = options.until ?? "outbound";
  if (until !== "nothing") {
    const path = until === "ready" ? "/v1.0/healthz" : "/v1.0/healthz/outbound";
    await waitFor(`the sidecar to be ${until}`, async () => {
      if (hasEnded()) throw new Error(`the sidecar ended:\n${output}`);
      const reply = await sidecar.call("GET", path).catch(() => undefined);
      return reply?.status === 204;
    });
  }
  return sidecar;
}

/** The environment without the developer's own Dapr settings. */
function cleanEnv(
  more: Record<string, string | undefined> = {},
): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries({ ...process.env, ...more })) {
    const isForeign =
      /^(DAPR_|APP_|NAMESPACE$|POD_NAME$|NODE_OPTIONS$|NODE_V8_COVERAGE$)/;
    if (value !== undefined && (name in more || !isForeign.test(name)))
      env[name] = value;
  }
  return env;
}
