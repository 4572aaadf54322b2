/** A terminal, as the tutorial's reader uses it: a shell, its output, and Ctrl+C. */
import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { createInterface } from "node:readline";
import { killTree, signalGroup } from "../runtime/shared/process/group.ts";
import { root } from "./docker.ts";

/** Where a reader sits. */
export interface Desk {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Folders that come first in PATH. */
  programs?: string;
}

export class Terminal {
  readonly printed: string[] = [];
  /** Set when the shell has ended. */
  exitCode: number | undefined;
  readonly #pid: number | undefined;
  readonly #closed: Promise<void>;
  #changed = () => {};

  constructor(
    commands: string,
    echo: (line: string) => void,
    { cwd = root, env = process.env, programs = "" }: Desk = {},
  ) {
    // Because of the trap the shell waits for its command after Ctrl+C, as an interactive shell does.
    const child = spawn("sh", ["-c", `trap : INT\nset -e\n${commands}`], {
      cwd,
      env: {
        ...env,
        PATH: [programs, readersPath()].filter(Boolean).join(delimiter),
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#pid = child.pid;
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        this.printed.push(line);
        echo(line);
        this.#changed();
      });
    this.#closed = new Promise((resolve) => {
      const end = (code: number) => {
        this.exitCode = code;
        this.#changed();
        resolve();
      };
      child.once("close", (code) => end(code ?? 1));
      child.once("error", (error) => {
        this.printed.push(`sh: ${error.message}`);
        end(127);
      });
    });
  }

  /** Waits until `done()` is true, the shell has ended or the time is up. Returns `done()`. */
  async until(done: () => boolean, seconds: number): Promise<boolean> {
    const deadline = Date.now() + seconds * 1000;
    while (!done() && this.exitCode === undefined && Date.now() < deadline)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return done();
  }

  /** Sends SIGINT to every process of the terminal, as Ctrl+C does. */
  interrupt(): void {
    void this.#signal("SIGINT");
  }

  /** Ends what still runs, first by a signal that it can handle. */
  async end(): Promise<void> {
    if (this.exitCode === undefined) this.interrupt();
    await this.until(() => this.exitCode !== undefined, 20);
    // Processes of the group may outlive the shell.
    await this.#signal("SIGKILL");
    await this.#closed;
  }

  /** Windows has no groups and no such signals: there all of them end at once. */
  async #signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.#pid) return;
    if (process.platform === "win32") await killTree(this.#pid);
    else signalGroup(this.#pid, signal);
  }
}

/** PATH without the folders that npm adds: a reader has only those that the text says to add. */
function readersPath(): string {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !/node_modules[\\/]\.bin|node-gyp-bin/.test(folder))
    .join(delimiter);
}
