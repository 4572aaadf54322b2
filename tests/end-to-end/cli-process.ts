/** Runs the shipped CLI as a user would, and keeps its output. */
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { npmProgram } from "../../scripts/npm.ts";
import { freePorts } from "../support/ports.ts";
import { waitFor } from "../wait-for.ts";

export const launcher = join(
  __dirname,
  "..",
  "..",
  "runtime",
  "bin",
  "dapr.js",
);

export interface CliRun {
  pid: number;
  /** The output so far. */
  readonly out: string;
  readonly err: string;
  signal(name: NodeJS.Signals): void;
  /** Waits for a text on stdout or stderr. */
  prints(text: string): Promise<void>;
  /** The exit code, or the signal that ended it. */
  exit: Promise<number | NodeJS.Signals>;
}

/** Runs that have not ended yet. */
const underWay = new Set<CliRun>();

interface CliOptions {
  cwd?: string;
  env?: Record<string, string>;
}

export const cli = (args: readonly string[], options?: CliOptions): CliRun =>
  keep(process.execPath, [launcher, ...args], options);

/** npm, as one types it in a project that is not the kit's: none of the kit's programs is at hand. */
export function npmRun(args: readonly string[], cwd: string): CliRun {
  const { command, begin } = npmProgram();
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => !folder.includes("node_modules"));
  return keep(command, [...begin, ...args], {
    cwd,
    env: { PATH: [dirname(process.execPath), ...path].join(delimiter) },
  });
}

function keep(
  command: string,
  args: readonly string[],
  options: CliOptions = {},
): CliRun {
  const { DAPR_RUNTIME_PATH: _, ...env } = process.env;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  let ended = false;
  const run: CliRun = {
    pid: child.pid!,
    get out() {
      return out;
    },
    get err() {
      return err;
    },
    signal: (name) => void child.kill(name),
    async prints(text) {
      try {
        await waitFor(JSON.stringify(text), () => {
          if ((out + err).includes(text)) return true;
          if (ended) throw new Error(`ended without printing ${text}`);
          return false;
        });
      } catch (error) {
        throw new Error(
          `${(error as Error).message}; printed so far:\n${out}${err}`,
        );
      }
    },
    exit: new Promise((resolve) =>
      child.on("close", (code, signal) => {
        ended = true;
        underWay.delete(run);
        resolve(code ?? signal!);
      }),
    ),
  };
  underWay.add(run);
  return run;
}

/** The CLI's and the app's lines, without the sidecar's log. */
export const withoutSidecarLog = (text: string): string[] =>
  text.split("\n").filter((line) => !line.startsWith("time="));

/** A folder for one test file, with an empty resources folder and an app. */
export function workspace(): { dir: string; remove(): Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), "dapr-cli-"));
  mkdirSync(join(dir, "resources"));
  writeFileSync(join(dir, "app.js"), app);
  return {
    dir,
    async remove() {
      // A test that failed may have left a run.
      for (const run of underWay) run.signal("SIGTERM");
      await Promise.all([...underWay].map(({ exit }) => exit));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** `exit N` exits with N, `die` kills itself, `stubborn` ignores SIGTERM. Otherwise the app serves APP_PORT and ends on SIGTERM. */
const app = `
const { createServer } = require("node:http");
const [what, code] = process.argv.slice(2);
console.log("app pid", process.pid);
console.log("app env", JSON.stringify(process.env));
console.error("a line on stderr");
if (what === "exit") process.exitCode = Number(code);
else if (what === "die") process.kill(process.pid, "SIGKILL");
else {
  process.on("SIGTERM", () => {
    console.log("app got SIGTERM");
    if (what !== "stubborn") process.exit(0);
  });
  createServer((_, response) => response.end()).listen(Number(process.env.APP_PORT || 0));
}
`;

export async function freePort(): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  return port;
}

/** Whether a process runs. A zombie, which only waits to be collected by its parent, has ended. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

/** Waits until all these processes have ended. */
export const gone = (pids: readonly number[]) =>
  waitFor(`processes ${pids.join(", ")} to end`, () => !pids.some(isRunning));
