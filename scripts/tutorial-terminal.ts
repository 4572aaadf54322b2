/** A terminal of the tutorial's reader: a shell, what it printed, and Ctrl+C. */
import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./docker.ts";

export class Terminal {
  readonly printed: string[] = [];
  /** Set once the shell ended. */
  exitCode: number | undefined;
  readonly #pid: number | undefined;
  readonly #closed: Promise<void>;
  #changed = () => {};

  constructor(commands: string, echo: (line: string) => void) {
    // The trap keeps the shell waiting for its command, as an interactive one does.
    const child = spawn("sh", ["-c", `trap : INT\nset -e\n${commands}`], {
      cwd: root,
      env: { ...process.env, PATH: readersPath() },
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

  /** Waits until `done` holds, the shell ended or the time is up; says whether `done` holds. */
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

  /** Ctrl+C reaches every process of the terminal. */
  interrupt(): void {
    this.#signal("SIGINT");
  }

  /** Ends whatever is left, gently first. */
  async end(): Promise<void> {
    if (this.exitCode === undefined) this.interrupt();
    await this.until(() => this.exitCode !== undefined, 20);
    // The group may outlive its shell.
    this.#signal("SIGKILL");
    await this.#closed;
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#pid) process.kill(-this.#pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** npm adds its own folders to PATH; a reader has only what the text told them to add. */
function readersPath(): string {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !/node_modules[\\/]\.bin|node-gyp-bin/.test(folder))
    .join(delimiter);
}
