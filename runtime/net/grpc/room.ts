/** Room for bytes that many owners share. Who wants some waits in line, and no owner keeps the others from it. */
import { startTimer } from "../../shared/timers.ts";

interface Waiting {
  bytes: number;
  enter(): void;
}

export interface RoomOptions {
  /** Of all owners together. */
  bytes: number;
  /** So long a wait ends with an error. */
  maxWaitMs: number;
  /** What it rejects with. */
  onMaxWait(): Error;
}

export class Room {
  readonly #options: RoomOptions;
  #held = 0;
  readonly #heldBy = new Map<object, number>();
  /** The owner whose turn is next comes first. */
  readonly #lines = new Map<object, Set<Waiting>>();

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** In bytes, of all owners together. */
  get held(): number {
    return this.#held;
  }

  /**
   * Resolves once there is room; {@link giveBack} has to be called with the same then. Owners take turns, and each one's own are
   * served in order. Who holds some already gets more only as long as that leaves as much free for others as it then holds. What
   * is larger than all room gets it alone. Rejects with the signal's reason, and when it took too long.
   */
  take(owner: object, bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#leave(owner, waiting);
      };
      const giveUp = (error: Error) => {
        leave();
        reject(error);
        // It may have been what others waited behind.
        this.#serve();
      };
      const onAbort = () => giveUp(signal.reason as Error);
      const { maxWaitMs, onMaxWait } = this.#options;
      const timer = startTimer(() => giveUp(onMaxWait()), maxWaitMs).unref();
      signal.addEventListener("abort", onAbort);
      const waiting: Waiting = {
        bytes,
        enter: () => {
          leave();
          this.#add(owner, bytes);
          resolve();
        },
      };
      const line = this.#lines.get(owner);
      if (line) line.add(waiting);
      else this.#lines.set(owner, new Set([waiting]));
      this.#serve();
    });
  }

  giveBack(owner: object, bytes: number): void {
    this.#add(owner, -bytes);
    this.#serve();
  }

  #add(owner: object, bytes: number) {
    this.#held += bytes;
    const held = (this.#heldBy.get(owner) ?? 0) + bytes;
    if (held > 0) this.#heldBy.set(owner, held);
    else this.#heldBy.delete(owner);
  }

  #leave(owner: object, waiting: Waiting) {
    const line = this.#lines.get(owner);
    line?.delete(waiting);
    if (line?.size === 0) this.#lines.delete(owner);
  }

  #serve() {
    for (const [owner, line] of this.#lines) {
      const [first] = line;
      if (!first || !this.#hasShare(owner, first.bytes)) continue;
      // Nobody behind goes before: what is large would wait for ever.
      if (!this.#hasRoom(first.bytes)) return;
      first.enter();
      // To the end, where this loop comes by again.
      this.#lines.delete(owner);
      if (line.size > 0) this.#lines.set(owner, line);
    }
  }

  #hasShare(owner: object, bytes: number): boolean {
    const held = this.#heldBy.get(owner) ?? 0;
    const left = this.#options.bytes - this.#held - bytes;
    return held === 0 || held + bytes <= left;
  }

  #hasRoom(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#options.bytes;
  }
}
