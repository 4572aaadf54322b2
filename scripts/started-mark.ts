/** `.dapr/started-SERVICE` names the container that a demo started. If that demo is killed, the next one removes the container. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, startOf } from "./alive.ts";

export class StartedMark {
  readonly #file: string;

  constructor(root: string, service: string) {
    this.#file = join(root, ".dapr", `started-${service}`);
  }

  /** Notes that this demo started the container. */
  write(container: string, pid = process.pid): void {
    const mark = `${container} ${pid} ${startOf(pid)}`;
    writeFileSync(this.#file, mark, { mode: 0o600 });
  }

  /** Whether this container was started by a demo that no longer runs. */
  isOrphan(container: string): boolean {
    const [started, id, ...start] = this.#read().split(" ");
    const pid = Number(id);
    // By now another process may have the demo's ID.
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
