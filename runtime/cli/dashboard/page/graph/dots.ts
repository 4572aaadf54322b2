/** The dots that move along the edges, one for each message; many at once become one. */
import type { Step } from "./route.ts";

export interface Dot {
  steps: readonly Step[];
  isError: boolean;
  /** How many messages it stands for. */
  count: number;
  startedMs: number;
}

/** Where a dot is: on which step, and how far on it, 0 to 1. */
export interface Place {
  dot: Dot;
  step: Step;
  part: number;
}

const stepMs = 700;
/** A delivery is told together with the call that caused it. Its dot begins when that of the call arrives. */
export const deliveryDelayMs = 2 * stepMs;
/** Messages that begin within this time on one way are one dot. */
const mergeMs = 150;
const maxDots = 80;

export class Dots {
  #dots: Dot[] = [];

  get isEmpty(): boolean {
    return this.#dots.length === 0;
  }

  /** `startMs` may be to come. */
  add(steps: readonly Step[], isError: boolean, startMs: number): void {
    if (steps.length === 0) return;
    const key = keyOf(steps, isError);
    const same = this.#dots.findLast(
      (dot) => keyOf(dot.steps, dot.isError) === key,
    );
    if (
      same &&
      (startMs - same.startedMs < mergeMs || this.#dots.length >= maxDots)
    )
      same.count++;
    else if (this.#dots.length < maxDots)
      this.#dots.push({ steps, isError, count: 1, startedMs: startMs });
  }

  /** Where those are that have begun. Those that have arrived are dropped. */
  places(nowMs: number): Place[] {
    this.#dots = this.#dots.filter(
      ({ startedMs, steps }) => nowMs - startedMs < steps.length * stepMs,
    );
    const begun = this.#dots.filter(({ startedMs }) => startedMs <= nowMs);
    return begun.map((dot) => {
      const gone = (nowMs - dot.startedMs) / stepMs;
      const step = dot.steps[Math.floor(gone)]!;
      const part = gone % 1;
      return { dot, step, part: step.isBack ? 1 - part : part };
    });
  }

  clear(): void {
    this.#dots = [];
  }
}

const keyOf = (steps: readonly Step[], isError: boolean) =>
  `${isError} ${steps.map(({ edge, isBack }) => `${edge}${isBack}`).join(" ")}`;

/** A dot for many is larger, up to three times. */
export const radiusOf = (count: number): number =>
  Math.min(15, 5 + 2 * Math.log2(count));
