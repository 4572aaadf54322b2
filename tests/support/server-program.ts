/** Starts a server that is installed on this machine, such as Debian's package of it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { findProgram } from "../../scripts/programs.ts";
import { waitFor } from "../wait-for.ts";

export interface ServerProgram {
  /** SIGTERM, and its end. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: it hangs, and its connections stay. */
  pause(): void;
  unpause(): void;
}

/** What runs now, for when Jest ends before a test has stopped it. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signalAll(child, "SIGKILL");
});

/** Starts a program and waits until it listens on the port. */
export async function startProgram(
  name: string,
  {
    args = [],
    env = {},
    port,
  }: { args?: string[]; env?: Record<string, string>; port: number },
): Promise<ServerProgram> {
  const child = spawn(findProgram(name) ?? name, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (output = `${output}${chunk}`.slice(-4000)));
  let hasEnded = false;
  const ended = once(child, "close").then(() => {
    hasEnded = true;
    running.delete(child);
  });
  await waitFor(
    `${name} to listen`,
    () => {
      if (hasEnded) throw new Error(`${name} has ended:\n${output}`);
      return listens(port);
    },
    120_000,
    50,
  );
  return {
    stop: () => (signalAll(child, "SIGTERM"), ended),
    kill: () => (signalAll(child, "SIGKILL"), ended),
    pause: () => signalAll(child, "SIGSTOP"),
    unpause: () => signalAll(child, "SIGCONT"),
  };
}

/** Signals its process group: the program may be a script that waits for the server. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid!, signal);
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
