/** A sidecar as a child of this process: its log, how far its start has come, its end. It does not hold up the end of this process. */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { StartStage } from "../shared/process/start-stage.ts";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface SidecarProcess {
  /** The last lines of both streams. */
  logs: string[];
  /** Settles once the stage is reached; never if it is not. */
  reached<S extends StartStage["stage"]>(
    stage: S,
  ): Promise<Extract<StartStage, { stage: S }>>;
  /** Resolves when it has ended and all its output is read; rejects if it could not be started. */
  ended: Promise<Exit>;
  /** Whether this process waits for it before it ends itself. */
  hold(isHeld: boolean): void;
  /** Asks it to end, and kills it if it does not. Resolves with the end. */
  end(): Promise<Exit>;
}

const mostLines = 10_000;
/** The sidecar's own limit is 5 s. */
const killMs = 10_000;

/** `folder`: what the sidecar removes if this process is gone. */
export function spawnSidecar(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  folder: string,
): SidecarProcess {
  const child = spawn(command, args, {
    env,
    // The fourth is the lifeline: the sidecar ends when it does. The fifth tells how far the start has come.
    stdio: ["ignore", "pipe", "pipe", "pipe", "ipc"],
    // A Ctrl+C in the terminal is for the tests. The sidecar ends with them.
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  const lifeline = child.stdio[3] as Socket;
  lifeline.on("error", () => {}); // it is reset when the sidecar ends, and that is told below
  lifeline.write(`folder ${folder}\n`);
  const logs: string[] = [];
  const outputs = [child.stdout, child.stderr] as unknown as Socket[];
  for (const output of outputs) readLines(output, logs);

  const stages = new Map<string, StartStage>();
  const waiting = new Map<string, (stage: StartStage) => void>();
  child.on("message", (message) => {
    const told = message as StartStage;
    stages.set(told.stage, told);
    waiting.get(told.stage)?.(told);
  });

  const ended = new Promise<Exit>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  ended.catch(() => {}); // who waits for it gets it

  const hold = (isHeld: boolean) => {
    const word = isHeld ? "ref" : "unref";
    for (const one of [child, child.channel, lifeline, ...outputs])
      one?.[word]();
  };
  return {
    logs,
    reached: (stage) =>
      new Promise((resolve) => {
        const take = (told: StartStage) =>
          resolve(told as Extract<StartStage, { stage: typeof stage }>);
        const told = stages.get(stage);
        if (told) take(told);
        else waiting.set(stage, take);
      }),
    ended,
    hold,
    async end() {
      hold(true);
      // Windows has no SIGTERM; there the end of the lifeline asks the sidecar to end.
      if (process.platform === "win32") lifeline.destroy();
      else child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), killMs);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
        lifeline.destroy();
      }
    },
  };
}

/** Adds the lines of a stream to a list that keeps the last ones. */
function readLines(stream: Socket, lines: string[]): void {
  let rest = "";
  const add = (line: string) => {
    lines.push(line);
    if (lines.length > mostLines) lines.shift();
  };
  stream.setEncoding("utf8").on("data", (text: string) => {
    const whole = (rest + text).split("\n");
    rest = whole.pop()!;
    whole.forEach(add);
  });
  stream.on("close", () => {
    if (rest !== "") add(rest);
  });
}
