/** For work that is tried until it succeeds: how long to wait before the next try, and whether to log this failure. */

/** How often the latest reason is logged. */
const repeatMs = 60_000;

export class Patience {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;
  #told: { reason: string; at: number } | undefined;

  constructor(firstMs = 500, mostMs = 30_000) {
    this.#firstMs = this.#nextMs = firstMs;
    this.#mostMs = mostMs;
  }

  /** Milliseconds until the next try: doubled each time, with a random part so that not all try at once. */
  pauseMs(random = Math.random()): number {
    const pause = this.#nextMs * (0.75 + random / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#mostMs);
    return pause;
  }

  /** True for a new reason, and once a minute. */
  shouldTell(reason: string, nowMs = performance.now()): boolean {
    const told = this.#told;
    if (told && told.reason === reason && nowMs - told.at < repeatMs)
      return false;
    this.#told = { reason, at: nowMs };
    return true;
  }

  /** To be called on success. True if a failure was logged since the last success. */
  over(): boolean {
    const hadTold = this.#told !== undefined;
    this.#told = undefined;
    this.#nextMs = this.#firstMs;
    return hadTold;
  }
}
