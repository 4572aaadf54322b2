/** `.dapr/demo-PID/` holds a demo's files while it runs. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "./alive.ts";

export class DemoFolder {
  readonly path: string;
  readonly #parent: string;

  constructor(root: string, pid = process.pid) {
    this.#parent = join(root, ".dapr");
    this.path = join(this.#parent, `demo-${pid}`);
    try {
      this.#removeLeftovers();
      make(this.#parent);
      make(this.path);
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      throw new Error(
        ["EACCES", "EPERM", "EROFS"].includes(code)
          ? `The folder ${root} is not writable (${code}), and the demo keeps its files below it: copy the project to a folder of yours`
          : `Cannot make the demo's folder: ${message}`,
      );
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Removes the folders of demos that were killed. */
  #removeLeftovers(): void {
    for (const { path, pid } of this.#demos())
      if (!isAlive(pid)) rmSync(path, { recursive: true, force: true });
  }

  #demos(): { path: string; pid: number }[] {
    if (!existsSync(this.#parent)) return [];
    return readdirSync(this.#parent).flatMap((name) => {
      const pid = Number(/^demo-(\d+)$/.exec(name)?.[1]);
      return pid ? [{ path: join(this.#parent, name), pid }] : [];
    });
  }
}

/** Creates one level: with `recursive`, a parent that is not writable would give ENOENT. */
function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
