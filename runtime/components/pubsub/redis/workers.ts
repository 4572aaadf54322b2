/**
 * The messages that were read and are not done with, and the workers that
 * deliver them: so many at once for all topics, in the order in which they were read.
 */
import { startTimer } from "../../../shared/timers.ts";

/** What a worker delivers at once: a message, or a bulk of one topic. */
export interface Work {
  run(): Promise<void>;
}

export interface Workers {
  /** How many more messages may be read. */
  readonly room: number;
  /** Resolves once there is room for a good part of what may be read ahead, or when `signal` aborts. */
  hasRoom(signal: AbortSignal): Promise<void>;
  /** Counts a message that was read, by its bytes. */
  hold(bytes: number): void;
  /** Counts one that is done with. */
  release(bytes: number): void;
  add(work: Work): void;
  /** Takes work back that nobody has begun. */
  remove(isIt: (work: Work) => boolean): void;
  /** Calls back when nothing more can be read until what was gathered is delivered. */
  onFull(flush: () => void): () => void;
}

/** What is read ahead should have no more bytes in all. */
const budgetBytes = 4 * 1024 * 1024;

export function createWorkers(concurrency: number, depth: number): Workers {
  let queue: Work[] = [];
  let running = 0;
  let held = 0;
  let heldBytes = 0;
  /** The size of a message, about. At first as of large ones, until some have come. */
  let usualBytes = budgetBytes / 16;
  const waiting = new Set<() => void>();
  const flushes = new Set<() => void>();

  /** Those that are being delivered leave their place in the queue to others. However large they are, each worker may have one. */
  const room = () =>
    Math.min(
      depth - held + running,
      Math.max(
        concurrency - held,
        Math.floor((budgetBytes - heldBytes) / usualBytes),
      ),
    );

  /** One message at a time would be read if each that is done with were followed by the next. */
  const isLow = () => room() > 0 && queue.length * 2 <= depth;

  function pump(): void {
    while (running < concurrency && queue.length > 0) {
      running++;
      const work = queue.shift()!;
      void work.run().finally(() => {
        running--;
        pump();
      });
    }
    if (isLow()) for (const go of waiting) go();
    else if (room() <= 0) for (const flush of flushes) flush();
  }

  return {
    get room() {
      return room();
    },
    async hasRoom(signal) {
      while (!isLow() && !signal.aborted)
        await new Promise<void>((resolve) => {
          const go = () => {
            waiting.delete(go);
            signal.removeEventListener("abort", go);
            resolve();
          };
          waiting.add(go);
          signal.addEventListener("abort", go);
        });
    },
    hold(bytes) {
      held++;
      heldBytes += bytes;
      usualBytes = Math.max(1, usualBytes + (bytes - usualBytes) / 16);
      pump();
    },
    release(bytes) {
      held--;
      heldBytes -= bytes;
      pump();
    },
    add(work) {
      queue.push(work);
      pump();
    },
    remove(isIt) {
      queue = queue.filter((work) => !isIt(work));
    },
    onFull(flush) {
      flushes.add(flush);
      return () => flushes.delete(flush);
    },
  };
}

/** Puts messages together until there are `most`, or the first one has waited for `waitMs`. */
export function createGather<T>(
  { maxMessages, maxAwaitMs }: { maxMessages: number; maxAwaitMs: number },
  give: (some: T[]) => void,
) {
  let some: T[] = [];
  let timer: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (some.length === 0) return;
    const full = some;
    some = [];
    give(full);
  }
  return {
    add(one: T) {
      some.push(one);
      if (some.length >= maxMessages) flush();
      else timer ??= startTimer(flush, maxAwaitMs);
    },
    flush,
    /** What was not given yet. */
    empty(): T[] {
      clearTimeout(timer);
      timer = undefined;
      return some.splice(0);
    },
  };
}
