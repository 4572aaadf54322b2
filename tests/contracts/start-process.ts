/** Starts a program with one component, and ends it. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ProcessTask } from "./binding-process.ts";
import type { PubSubTask } from "./pubsub-process.ts";

/** A reader or writer in its own process; `kill` is `kill -9` and waits for its end. */
export function startProcess(
  task: ProcessTask | PubSubTask,
  program: "binding-process.ts" | "pubsub-process.ts" = "binding-process.ts",
) {
  const script = join(import.meta.dirname, program);
  const child = spawn(process.execPath, [script, JSON.stringify(task)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) =>
    lines.push(line),
  );
  const exited = new Promise<number | null>((resolve) =>
    child.on("close", resolve),
  );
  const after = (word: string) => () =>
    lines
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1));
  return {
    lines,
    pid: child.pid!,
    got: after("got"),
    acked: after("acked"),
    /** Its exit code. */
    exited,
    /** Ends it cleanly and resolves with its exit code. */
    stop: () => (child.stdin.end(), exited),
    kill: () => (child.kill("SIGKILL"), exited),
  };
}
