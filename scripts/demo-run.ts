/** Runs `dapr run -f`, tells its app lines from its own, and ends it in order. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { deathIn, isRunsEnd, refusalIn } from "./demo-death.ts";
import { root } from "./docker.ts";

const graceMs = 20_000;

export interface Listener {
  /** An app printed a line. */
  line(app: string, text: string): void;
  /** The CLI printed something that a user should see. */
  trouble(text: string): void;
  /** An app, a sidecar or the run itself ended unasked. */
  ended(why: string): void;
}

export type Run = ReturnType<typeof startRun>;

/** `registry`: the folder in which this run's sidecars find each other, and none of another run. */
export function startRun(
  template: string,
  registry: string,
  listener: Listener,
) {
  const child = spawn(
    process.execPath,
    [join(root, "runtime", "bin", "dapr.js"), "run", "-f", template],
    {
      cwd: root,
      env: { ...process.env, DAPR_REGISTRY_PATH: registry },
      stdio: ["ignore", "pipe", "pipe"],
      // Ctrl+C is passed on in order by stop(); Windows has no groups to leave.
      detached: process.platform !== "win32",
    },
  );
  let stopping = false;
  let endsItself = false;
  const closed = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      listener.ended(
        endsItself
          ? "`dapr run` was told to stop"
          : `\`dapr run\` ended by itself (${signal ?? `exit code ${code}`})`,
      );
      resolve();
    });
    child.once("error", (error) => {
      listener.ended(`\`dapr run\` could not be started: ${error.message}`);
      resolve();
    });
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      const [, app, text = ""] = /^== APP - (\S+) == ?(.*)$/.exec(line) ?? [];
      endsItself ||= !app && isRunsEnd(line);
      const end = stopping ? undefined : endIn(line, app);
      if (end) listener.ended(end);
      else if (app) listener.line(app, text);
      else if (!stopping && (stream === child.stderr || isTrouble(line)))
        listener.trouble(line);
    });

  /** While nobody asked for an end, each is news: `dapr run -f` goes on without the one that died. */
  function endIn(line: string, app?: string): string | undefined {
    const refusal = app ? undefined : refusalIn(line);
    // An end of the whole run is told on stdout, its reason on stderr: either may come first.
    return refusal ?? (endsItself ? undefined : deathIn(line, app));
  }

  return {
    /** `heard`: Ctrl+C on Windows reaches every process of the console, and no gentler signal exists there. */
    async stop(heard: boolean): Promise<void> {
      stopping = true;
      if (!(heard && process.platform === "win32")) child.kill("SIGTERM");
      const force = setTimeout(() => {
        listener.trouble(
          `The apps did not end within ${graceMs / 1000} s: killing them.`,
        );
        child.kill("SIGKILL");
      }, graceMs);
      await closed;
      clearTimeout(force);
    },
    /** At once: the sidecars notice that their parent is gone, and end with their apps. */
    kill(): void {
      child.kill("SIGKILL");
    },
  };
}

/** Failures and warnings; the CLI's progress is not worth a reader's time here. */
function isTrouble(line: string): boolean {
  return /^(❌|⚠|Error)/.test(line);
}
