/** Starts and kills order-app.ts, and reads which orders it took. */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { call } from "./http.ts";
import type { OrderAppTask, TakenOrder } from "./order-app.ts";

export interface OrderApp {
  port: number;
  /** Everything delivered so far, over all restarts, in order. */
  taken(): TakenOrder[];
  /** Starts the app (again) and waits until it listens. */
  start(): Promise<void>;
  /** kill -9, and waits until the app has ended. */
  kill(): Promise<void>;
  /** From now on the app takes the poisonous order too. */
  cure(): void;
}

export function createOrderApp(task: OrderAppTask): OrderApp {
  const script = join(__dirname, "order-app.ts");
  let child: ChildProcess | undefined;
  let read = 0;
  const all: TakenOrder[] = [];
  // Several apps may share a file.
  appendFileSync(task.file, "");
  return {
    port: task.port,
    taken() {
      const text = readFileSync(task.file, "latin1");
      const end = text.lastIndexOf("\n") + 1;
      for (const line of text.slice(read, end).split("\n"))
        if (line !== "") all.push(JSON.parse(line) as TakenOrder);
      read = Math.max(read, end);
      return all;
    },
    async start() {
      const started = spawn(process.execPath, [script, JSON.stringify(task)], {
        stdio: ["pipe", "ignore", "inherit"],
      });
      child = started;
      await waitFor("the app to listen", async () => {
        if (started.exitCode !== null)
          throw new Error(`the app ended with code ${started.exitCode}`);
        return call(task.port, "GET", "/").catch(() => undefined);
      });
    },
    async kill() {
      const running = child;
      child = undefined;
      if (!running || running.exitCode !== null || running.signalCode !== null)
        return;
      const ended = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGKILL");
      await ended;
    },
    cure: () => writeFileSync(`${task.file}.cured`, ""),
  };
}
