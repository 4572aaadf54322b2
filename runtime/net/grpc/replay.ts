/** What was read of a call that is passed on, as long as it may have to be passed on elsewhere. */
import { GatheredBytes } from "../../shared/memory/gathered-bytes.ts";

/** Messages of most unary calls are shorter. Whoever sends more before there is an answer gets no second try. */
export const usualKeptBytes = 64 * 1024;

export interface ReplaySink {
  onBytes(bytes: Buffer): void;
  onEnd(): void;
}

export class Replay {
  #sink: ReplaySink | undefined;
  #kept: GatheredBytes | undefined = new GatheredBytes();
  #bytes = 0;
  #hasEnded = false;

  readonly #keptBytes: number;

  constructor(sink: ReplaySink, keptBytes = usualKeptBytes) {
    this.#sink = sink;
    this.#keptBytes = keptBytes;
  }

  push(bytes: Buffer): void {
    this.#bytes += bytes.length;
    // Between two tries all is kept: it has gone nowhere.
    if (this.#sink && this.#bytes > this.#keptBytes) this.drop();
    this.#kept?.add(bytes);
    this.#sink?.onBytes(bytes);
  }

  end(): void {
    this.#hasEnded = true;
    this.#sink?.onEnd();
  }

  /** Nobody takes what comes. */
  get isWaiting(): boolean {
    return this.#sink === undefined;
  }

  /** The call has its answer, or has sent too much. */
  drop(): void {
    this.#kept = undefined;
  }

  /** What comes from now on waits for {@link begin}; false if not all is there any more. */
  rewind(): boolean {
    if (!this.#kept) return false;
    this.#sink = undefined;
    return true;
  }

  /** Tells all again, and what comes. */
  begin(sink: ReplaySink): void {
    this.#sink = sink;
    const kept = this.#kept!;
    for (const bytes of kept.take()) {
      kept.add(bytes);
      sink.onBytes(bytes as Buffer);
    }
    if (this.#bytes > this.#keptBytes) this.drop();
    if (this.#hasEnded) sink.onEnd();
  }
}
