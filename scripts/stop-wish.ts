/**
 * The ways a user ends a script that npm runs. npm puts a shell between itself
 * and us; that shell dies of Ctrl+C and SIGTERM at once and tells nobody.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What comes within this time is the same key press: a terminal and npm both pass it on. */
const samePressMs = 1000;

export interface StopWish {
  asked(why: string): void;
  /** Asked again: do not wait for anyone. */
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
  // A closed terminal takes the output with it; the orderly end goes on.
  process.stdout.on("error", () => heard("nobody reads the output any more"));
  process.stderr.on("error", () => heard("nobody reads the output any more"));
  readKeys(() => heard("Ctrl+C"));
  watchNpm(() => heard("npm ended"));
}

/**
 * Reads Ctrl+C as a key, so that npm and its shell do not hear it: they would
 * return to the prompt before the orderly end, and with an error code.
 */
function readKeys(ctrlC: () => void): void {
  if (!process.stdin.isTTY || !inForeground()) return;
  process.stdin.setRawMode(true); // Node restores the terminal when it exits
  process.stdin.unref();
  process.stdin.on("data", (keys) => {
    if (keys.includes(0x03)) ctrlC();
  });
  process.stdin.on("error", () => {
    // the terminal went: SIGHUP tells
  });
}

/** In the background a terminal stops whoever touches it. Windows has no such jobs, and its Ctrl+C reaches all in order. */
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
  // A shell between outlives an npm that was killed; one that replaced itself by us is not there.
  const npm = above && isShell.test(above.name) ? above.parent : undefined;
  const look = setInterval(() => {
    if (process.ppid === parent && (!npm || isParent(npm, parent))) return;
    clearInterval(look);
    gone();
  }, 300).unref();
}

const isShell = /^-?(\S*\/)?(sh|ash|bash|busybox|dash|ksh|zsh)$/;

/** `undefined` for one that is gone, and on Windows, which has no shell that survives. */
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

/** Linux tells even of a dead npm that nobody waits for; asking `ps` again and again would cost too much elsewhere. */
function isParent(npm: number, shell: number): boolean {
  if (process.platform === "linux") return lookUp(shell)?.parent === npm;
  try {
    return process.kill(npm, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
