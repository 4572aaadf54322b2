/**
 * Notices every way in which a user ends a script that npm runs. npm starts a shell
 * between itself and us. That shell dies of Ctrl+C and SIGTERM at once, without a word.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Signals within this time are one key press, which the terminal and npm both pass on. */
const samePressMs = 1000;

export interface StopWish {
  asked(why: string): void;
  /** The user asked a second time: stop without waiting. */
  insisted(): void;
}

export function watchForStop({ asked, insisted }: StopWish): void {
  let firstMs = 0;
  const heard = (why: string) => {
    if (firstMs === 0) {
      firstMs = Date.now();
      asked(why);
    } else if (Date.now() - firstMs > samePressMs) insisted();
  };
  process.on("SIGINT", () => heard("Ctrl+C"));
  process.on("SIGTERM", () => heard("SIGTERM"));
  process.on("SIGHUP", () => heard("the terminal was closed"));
  // With a closed terminal the output is gone too. The clean stop goes on.
  process.stdout.on("error", () => heard("nobody reads the output any more"));
  process.stderr.on("error", () => heard("nobody reads the output any more"));
  readKeys(() => heard("Ctrl+C"));
  watchNpm(() => heard("npm ended"));
}

/**
 * Reads Ctrl+C as a key, so that npm and its shell do not get the signal. They would
 * return to the prompt before the clean stop is over, and with an error code.
 */
function readKeys(ctrlC: () => void): void {
  if (!process.stdin.isTTY || !inForeground()) return;
  process.stdin.setRawMode(true); // Node restores the terminal when it exits
  process.stdin.unref();
  process.stdin.on("data", (keys) => {
    if (keys.includes(0x03)) ctrlC();
  });
  process.stdin.on("error", () => {
    // the terminal was closed, which SIGHUP reports
  });
}

/** A background job that touches its terminal is stopped. Windows has no such jobs, and there Ctrl+C needs no special care. */
function inForeground(): boolean {
  if (process.platform === "win32") return false;
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", `${process.pid}`], {
    encoding: "utf8",
  });
  return stdout?.includes("+") ?? false;
}

function watchNpm(gone: () => void): void {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const above = lookUp(parent);
  // The shell survives an npm that was killed, so npm is watched. A shell that replaced itself by us does not exist any more.
  const npm = above && isShell.test(above.name) ? above.parent : undefined;
  const look = setInterval(() => {
    if (process.ppid === parent && (!npm || isParent(npm, parent))) return;
    clearInterval(look);
    gone();
  }, 300).unref();
}

const isShell = /^-?(\S*\/)?(sh|ash|bash|busybox|dash|ksh|zsh)$/;

/** A process's name and parent. `undefined` if it is gone, and on Windows, where the shell does not survive npm. */
function lookUp(pid: number): { name: string; parent: number } | undefined {
  if (process.platform === "win32") return undefined;
  const [, name, parent] =
    (process.platform === "linux"
      ? /^\d+ \((.*)\) \S (\d+)/s.exec(statOf(pid))
      : /^\s*(\S+)\s+(\d+)/.exec(
          spawnSync("ps", ["-o", "comm=,ppid=", "-p", `${pid}`], {
            encoding: "utf8",
          }).stdout ?? "",
        )) ?? [];
  return name ? { name, parent: Number(parent) } : undefined;
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return ""; // it ended
  }
}

/** Whether npm is still the shell's parent. On other systems than Linux `ps` would cost too much, so npm is only checked to be alive. */
function isParent(npm: number, shell: number): boolean {
  if (process.platform === "linux") return lookUp(shell)?.parent === npm;
  try {
    return process.kill(npm, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
