/** Passes events on to everybody who watches, as server-sent events. */
import type { Readable } from "node:stream";
import type { Watch } from "../../contracts/watch.ts";
import { startInterval } from "../../shared/timers.ts";
import { Watcher } from "./watcher.ts";

/** Events go out together: a write for each would cost more than the event. */
const gatherMs = 100;
/** So many are not gathered any longer: each may hold 8 KiB of bodies. */
const mostGathered = 100;
const usualBeatMs = 15_000;

type Event = Parameters<Watch["tell"]>[0];

export class WatchHub implements Watch {
  isOn = false;
  readonly #beatMs: number;
  readonly #watchers = new Set<Watcher>();
  #count = 0;
  #gathered: Event[] = [];
  #flush: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `beatMs`: how often a comment shows that the stream is alive. */
  constructor(beatMs = usualBeatMs) {
    this.#beatMs = beatMs;
  }

  tell(event: Event): void {
    if (!this.isOn) return;
    this.#gathered.push(event);
    if (this.#gathered.length >= mostGathered) this.#send();
    else this.#flush ??= setTimeout(() => this.#send(), gatherMs).unref();
  }

  #send(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    const events = this.#gathered.map(
      (event) =>
        `data: ${JSON.stringify({ id: `${++this.#count}`, ...event() })}\n\n`,
    );
    this.#gathered = [];
    for (const watcher of this.#watchers) watcher.take(events);
  }

  /** A stream of what happens from now on; destroyed by whoever leaves. */
  open(): Readable {
    // What is gathered was before.
    this.#send();
    const watcher = new Watcher();
    if (this.#isClosed) {
      watcher.end();
      return watcher.stream;
    }
    this.#watchers.add(watcher);
    watcher.stream.once("close", () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#rest();
    });
    this.#beat ??= startInterval(() => {
      for (const one of this.#watchers) one.beat();
    }, this.#beatMs).unref();
    this.isOn = true;
    return watcher.stream;
  }

  #rest(): void {
    this.isOn = false;
    clearInterval(this.#beat);
    this.#beat = undefined;
    this.#send();
  }

  /** Ends all streams: they would hold up the end of the port. */
  close(): void {
    this.#isClosed = true;
    this.#send();
    for (const watcher of this.#watchers) watcher.end();
    this.#rest();
  }
}
