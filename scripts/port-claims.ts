/** The ports that this user's demos mean to use, of every copy of the kit on this machine. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { isAlive } from "./alive.ts";

/** A claim is an empty file `PORT-PID`. */
const claimName = /^(\d+)-(\d+)$/;

export class PortClaims {
  readonly #folder: string;
  readonly #pid: number;
  readonly #own = new Set<string>();

  constructor(
    folder = join(tmpdir(), `dapr-demo-ports-${userInfo().uid}`),
    pid = process.pid,
  ) {
    this.#folder = folder;
    this.#pid = pid;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Removes the claims of demos that were killed, which may have had our own process ID.
    for (const { name, pid: owner } of this.#all())
      if (owner === pid || !isAlive(owner)) this.#remove(name);
  }

  /**
   * True if no other demo means to use this port. Each demo writes its claim before it
   * reads those of the others. So of two at the same moment, at most one gets the port.
   */
  claim(port: number): boolean {
    const own = `${port}-${this.#pid}`;
    if (this.#own.has(own)) return false;
    // "wx" never follows a link that another user left there.
    writeFileSync(join(this.#folder, own), "", { flag: "wx" });
    const free = this.#all().every(
      (claim) =>
        claim.port !== port || claim.pid === this.#pid || !isAlive(claim.pid),
    );
    if (free) this.#own.add(own);
    else this.#remove(own);
    return free;
  }

  release(): void {
    for (const name of this.#own) this.#remove(name);
    this.#own.clear();
  }

  #remove(name: string): void {
    rmSync(join(this.#folder, name), { force: true });
  }

  #all(): { name: string; port: number; pid: number }[] {
    return readdirSync(this.#folder).flatMap((name) => {
      const [, port, pid] = claimName.exec(name) ?? [];
      return pid ? [{ name, port: Number(port), pid: Number(pid) }] : [];
    });
  }
}
