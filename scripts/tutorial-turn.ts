/** Tutorials use the ports that their text names, so only one runs at a time, of all copies of the kit on this machine. */
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PortClaims } from "./port-claims.ts";
import { isFree } from "./ports.ts";

const tutorialPorts = [3000, 5001, 8080, 3500, 3501, 3502];
/** The limit for the ports to become free. A demo of another copy of the kit ends in that time, or a user reads the message and ends the program. */
const freePortsLimitMs = 600_000;

export interface Turn {
  /** Those that must be free. */
  ports?: readonly number[];
  folder?: string;
  pid?: number;
}

/** Waits until no other tutorial runs. Resolves with the function that ends this one's turn. Rejects when another program keeps a port. */
export async function takeTurn({
  ports = tutorialPorts,
  folder = join(tmpdir(), `dapr-tutorials-${userInfo().uid}`),
  pid = process.pid,
}: Turn = {}): Promise<() => void> {
  const turn = new PortClaims(folder, pid);
  for (let told = false; !turn.claim(1); told = true) {
    if (!told) console.error("Waiting for another tutorial to end …");
    await sleep(200);
  }
  const until = performance.now() + freePortsLimitMs;
  for (let told = false; ; told = true) {
    const taken: number[] = [];
    for (const port of ports) if (!(await isFree(port))) taken.push(port);
    if (taken.length === 0) return () => turn.release();
    const why = `Another program listens on port ${taken.join(" and ")}, which the tutorials use: end that program`;
    if (!told) console.error(`${why}. Waiting …`);
    if (performance.now() > until) {
      turn.release();
      throw new Error(`${why} first.`);
    }
    await sleep(200);
  }
}
