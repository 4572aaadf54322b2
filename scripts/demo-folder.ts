/** `.dapr/demo-PID/`: what a demo keeps while it runs, its claims on ports among it. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export class DemoFolder {
  readonly path: string;
  readonly #parent: string;

  constructor(root: string, pid = process.pid) {
    this.#parent = join(root, ".dapr");
    this.path = join(this.#parent, `demo-${pid}`);
    this.#removeLeftovers();
    mkdirSync(this.path, { recursive: true });
  }

  /**
   * True if no other demo means to use this port. Each writes its claim before it
   * looks at the others': of two at the same moment at most one goes on with it.
   */
  claim(port: number): boolean {
    const name = `port-${port}`;
    const own = join(this.path, name);
    writeFileSync(own, "");
    const free = this.#demos().every(
      ({ path, pid }) =>
        path === this.path || !existsSync(join(path, name)) || !isAlive(pid),
    );
    if (!free) rmSync(own);
    return free;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Folders of runs that were killed before they could remove them. */
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

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
