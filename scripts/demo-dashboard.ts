/** Runs `dapr dashboard` beside the demo, for the demo's apps alone. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./docker.ts";

export interface DemoDashboard {
  url: string;
  stop(): Promise<void>;
}

/** Resolves once the page can be opened. `ended` is called if it ends by itself. Rejects if it does not start. */
export function startDashboard(
  port: number,
  runFile: string,
  ended: (why: string) => void,
): Promise<DemoDashboard> {
  const child = spawn(
    process.execPath,
    [
      join(root, "runtime", "bin", "dapr.js"),
      "dashboard",
      "--port",
      String(port),
      "--run-file",
      runFile,
    ],
    {
      // The fourth is a lifeline: the dashboard ends when this process does, however it does.
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, DAPR_LIFELINE_FD: "3" },
      // As with the apps: Ctrl+C must not reach it, since stop() ends it.
      detached: process.platform !== "win32",
    },
  );
  let stopping = false;
  let said = "";
  const closed = new Promise<void>((resolve) =>
    child.once("close", () => resolve()),
  );
  const stop = async () => {
    stopping = true;
    child.kill("SIGTERM");
    await closed;
  };
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on("line", (line) => {
        said = line;
        const [, url] = /available at:\t(\S+)/.exec(line) ?? [];
        if (url) resolve({ url, stop });
      });
    void closed.then(() => {
      if (stopping) return;
      const why = `the dashboard ended by itself: ${said.replace(/^❌ +/, "")}`;
      reject(new Error(why));
      ended(why);
    });
  });
}
