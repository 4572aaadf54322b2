/** `.dapr/started-SERVICE`: the container that a demo started, so that the next removes it if that one is killed. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, startOf } from "./alive.ts";

export class StartedMark {
  readonly #file: string;

  constructor(root: string, service: string) {
    this.#file = join(root, ".dapr", `started-${service}`);
  }

  /** This demo is the one that removes the container. */
  write(container: string, pid = process.pid): void {
    const mark = `${container} ${pid} ${startOf(pid)}`;
    writeFileSync(this.#file, mark, { mode: 0o600 });
  }

  /** Did a demo that is no more start this very container? */
  isOrphan(container: string): boolean {
    const [started, id, ...start] = this.#read().split(" ");
    const pid = Number(id);
    // Another process may have its ID by now.
    const runs = isAlive(pid) && startOf(pid) === start.join(" ");
    return started === container && pid > 0 && !runs;
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }

  #read(): string {
    try {
      return readFileSync(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  }
}
