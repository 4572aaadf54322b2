/** Starts and stops one sidecar under test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { limitEnv, nodeLimits } from "../runtime/shared/process/node-limits.ts";
import { freePorts, get } from "./loopback.ts";
import { nowUs } from "./child.ts";

export interface Target {
  label: string;
  command: string[];
  env: Record<string, string>;
  /** True for our sidecar, which has the embedded broker. */
  own: boolean;
}

/** Our sidecar, as the CLI starts it. docs/benchmarks.md says what the semi-space size costs and saves. */
export const ownTarget: Target = {
  label: "ours",
  command: [
    process.execPath,
    ...nodeLimits,
    join(import.meta.dirname, "..", "dist", "daprd.js"),
  ],
  env: limitEnv,
  own: true,
};

export function otherTarget(path: string, args: string[]): Target {
  const isNode = path.endsWith(".js");
  const run = isNode ? [process.execPath, ...nodeLimits, path] : [path];
  return {
    label: basename(path),
    command: [...run, ...args],
    env: isNode ? limitEnv : {},
    own: false,
  };
}

export interface Sidecar {
  appId: string;
  pid: number;
  httpPort: number;
  grpcPort: number;
  spawnedAtUs: number;
  readyAtUs: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  appId: string;
  resources: string;
  logFile: string;
  appPort?: number;
  /** More arguments of the command line. */
  args?: string[];
}

const running = new Set<() => void>();

/** Kills all sidecars, so that none outlives an interrupted bench. */
export function killSidecars(): void {
  for (const kill of running) kill();
}

/** Resolves once the sidecar is ready. Rejects with the end of its log if it exits, or is not ready within 30 s. */
export async function startSidecar(
  target: Target,
  options: StartOptions,
): Promise<Sidecar> {
  const [http, grpc, internal, metrics] = await freePorts(4);
  const flags: Record<string, string> = {
    "--app-id": options.appId,
    "--dapr-http-port": String(http),
    "--dapr-grpc-port": String(grpc),
    "--dapr-internal-grpc-port": String(internal),
    "--metrics-port": String(metrics),
    "--resources-path": options.resources,
    "--dapr-graceful-shutdown-seconds": "5",
  };
  if (options.appPort !== undefined)
    flags["--app-port"] = String(options.appPort);
  const log = openSync(options.logFile, "a");
  const spawnedAtUs = nowUs();
  const child = spawn(
    target.command[0]!,
    [
      ...target.command.slice(1),
      ...Object.entries(flags).flat(),
      ...(options.args ?? []),
    ],
    // Descriptor 3 is a pipe from the bench: when it closes, because the bench was killed, our sidecar ends.
    {
      stdio: ["ignore", log, log, "pipe"],
      env: {
        ...process.env,
        ...target.env,
        DAPR_LIFELINE_FD: "3",
        // A registry of the run's own: its sidecars find only each other, and leave no entries behind.
        DAPR_REGISTRY_PATH: join(options.resources, "..", "registry"),
      },
    },
  );
  closeSync(log);
  const exited = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  running.add(kill);
  child.once("exit", () => running.delete(kill));
  child.stdio[3]?.on("error", () => {}); // a sidecar that exits first breaks the pipe
  const failed = (what: string) =>
    new Error(
      `bench: ${target.label} (${options.appId}) ${what}; the end of ${options.logFile}:\n${readFileSync(options.logFile, "utf8").slice(-2000)}`,
    );
  let gone = false;
  exited.then(
    () => (gone = true),
    () => (gone = true),
  );
  while ((await get(http!, "/v1.0/healthz")) !== 204) {
    if (gone) throw failed("ended before it was ready");
    if (nowUs() - spawnedAtUs > 30e6) {
      kill();
      throw failed("was not ready within 30 s");
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return {
    appId: options.appId,
    pid: child.pid!,
    httpPort: http!,
    grpcPort: grpc!,
    spawnedAtUs,
    readyAtUs: nowUs(),
    async stop() {
      if (gone) throw failed("ended during the measurement");
      child.kill("SIGTERM");
      const timer = setTimeout(kill, 15_000);
      const [code, signal] = await exited;
      clearTimeout(timer);
      if (signal === "SIGKILL")
        throw failed("did not stop within 15 s of SIGTERM");
      if (code !== 0) throw failed(`exited ${code} on SIGTERM`);
    },
  };
}
