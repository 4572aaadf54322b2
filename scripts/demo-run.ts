/** Runs `dapr run -f`, separates the apps' lines from its own, and stops it cleanly. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { deathIn, isRunsEnd, refusalIn } from "./demo-death.ts";
import { root } from "./docker.ts";

const graceMs = 20_000;

export interface Listener {
  /** An app printed a line. */
  line(app: string, text: string): void;
  /** The CLI printed an error or a warning. */
  warning(text: string): void;
  /** An app, a sidecar or `dapr run` itself ended by itself. */
  ended(why: string): void;
}

export type Run = ReturnType<typeof startRun>;

/** `registry` is the folder by which this run's sidecars find each other, and no others. */
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
      // A process group of its own: Ctrl+C must not reach it, since stop() ends it. Windows has no process groups.
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
      else if (!stopping && (stream === child.stderr || isWarning(line)))
        listener.warning(line);
    });

  /** What ended by itself, if the line says so. `dapr run -f` goes on without an app that died. */
  function endIn(line: string, app?: string): string | undefined {
    const refusal = app ? undefined : refusalIn(line);
    // `dapr run` prints that it ends on stdout, and why on stderr. Either may come first.
    return refusal ?? (endsItself ? undefined : deathIn(line, app));
  }

  return {
    /** `heard`: the user pressed Ctrl+C. On Windows that has reached every process of the console, so nothing more is sent. */
    async stop(heard: boolean): Promise<void> {
      stopping = true;
      if (!(heard && process.platform === "win32")) child.kill("SIGTERM");
      const force = setTimeout(() => {
        listener.warning(
          `The apps did not end within ${graceMs / 1000} s: killing them.`,
        );
        child.kill("SIGKILL");
      }, graceMs);
      await closed;
      clearTimeout(force);
    },
    /** Kills `dapr run` at once. The sidecars notice that their parent is gone, and end with their apps. */
    kill(): void {
      child.kill("SIGKILL");
    },
  };
}

/** Whether the CLI's line is an error or a warning. Its progress is not shown. */
function isWarning(line: string): boolean {
  return /^(❌|⚠|Error)/.test(line);
}
