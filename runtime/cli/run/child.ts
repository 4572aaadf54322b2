/**
 * A process that leads its own group, so that a Ctrl+C in the terminal reaches
 * only the CLI, and so that everything the process started ends with it.
 */
import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  groupIsAlive,
  killTree,
  signalGroup,
} from "../../shared/process/group.ts";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Child {
  pid: number;
  process: ChildProcess;
  exited: Promise<Exit>;
  /** How it ended, once it did. */
  exit: Exit | undefined;
  /** It exited and left others of its group running. */
  leftOthers: boolean;
  /** Its output pipes are closed: all has been read. */
  closed: Promise<void>;
}

export interface StartOptions {
  cwd?: string | undefined;
  env: NodeJS.ProcessEnv;
  stdio: StdioOptions;
  windowsVerbatimArguments?: boolean;
}

/** Starts it; rejects when there is no such command. */
export async function start(
  command: string,
  args: readonly string[],
  options: StartOptions,
): Promise<Child> {
  const child = spawn(command, args, {
    ...options,
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  const started: Child = {
    pid: 0,
    process: child,
    exit: undefined,
    leftOthers: false,
    exited: new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        started.exit = { code, signal };
        // Done now, because later the ID may belong to another group.
        started.leftOthers =
          process.platform !== "win32" && groupIsAlive(started.pid);
        resolve(started.exit);
      }),
    ),
    closed: new Promise((resolve) => child.once("close", () => resolve())),
  };
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  started.pid = child.pid!;
  return started;
}

export type HowEnded = "ended" | "killed";

/**
 * Asks the whole group to end (or as `ask` does), waits, then kills what is
 * left. `force` aborts the wait. Also sweeps up after a leader that has exited
 * by itself.
 */
export async function end(
  child: Child,
  graceMs: number,
  force: AbortSignal,
  ask = () => askToEnd(child),
): Promise<HowEnded> {
  let how: HowEnded = "ended";
  if (!child.exit || child.leftOthers) {
    await ask();
    if (!(await groupGone(child, graceMs, force))) {
      how = "killed";
      await kill(child);
    }
  }
  await drained(child);
  return how;
}

async function askToEnd(child: Child) {
  // Windows has no SIGTERM.
  if (process.platform === "win32") await killTree(child.pid);
  else signalGroup(child.pid, "SIGTERM");
}

async function kill(child: Child) {
  if (process.platform === "win32") await killTree(child.pid);
  else signalGroup(child.pid, "SIGKILL");
  await child.exited;
}

/** The last lines come after the exit. A left-over process that holds the pipe and writes nothing must not hold us up. */
export async function drained({ closed, process: { stdout, stderr } }: Child) {
  const read = () =>
    [stdout, stderr].map((pipe) => (pipe as Socket | null)?.bytesRead);
  for (let before = ""; before !== String(read());) {
    before = String(read());
    if ((await Promise.race([closed, delay(1000, "silence")])) !== "silence")
      return;
  }
}

/** Polls, because a group sends no event; 20 ms is below what anyone notices. */
async function groupGone(
  child: Child,
  graceMs: number,
  force: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline && !force.aborted) {
    if (isGone(child)) return true;
    await Promise.race([delay(20), ...(child.exit ? [] : [child.exited])]);
  }
  return isGone(child);
}

const isGone = (child: Child): boolean =>
  child.exit !== undefined &&
  (process.platform === "win32" || !groupIsAlive(child.pid));

/** `exit status 3` or `signal: killed`: how Go, and so the original, says it. */
export function exitText({ code, signal }: Exit): string {
  return signal ? `signal: ${signalText(signal)}` : `exit status ${code ?? 0}`;
}

const signalTexts: Partial<Record<NodeJS.Signals, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

export const signalText = (signal: NodeJS.Signals): string =>
  signalTexts[signal] ?? signal;

export const failed = ({ code, signal }: Exit): boolean =>
  signal !== null || code !== 0;
