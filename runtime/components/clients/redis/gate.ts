/** Requests wait here while there is no connection: for so many failed attempts, but not for ever. */
import type { RedisServer } from "./settings.ts";
import { lacking } from "../server-outage.ts";
import { startTimer } from "../../../shared/timers.ts";

export interface RedisGate {
  readonly isOpen: boolean;
  /** Resolves once open; rejects after the configured number of attempts, or the time limit of one attempt. */
  wait(): Promise<void>;
  /** Resolves once open, after `ms`, or with the error of the first failed attempt. */
  first(ms: number): Promise<Error | undefined>;
  open(): void;
  /** The connection is gone. */
  shut(): void;
  /** An attempt to connect has failed. */
  failed(error: Error): void;
  /** Rejects all requests from now on. */
  close(error: Error): void;
}

interface Waiter {
  left: number;
  done(error?: Error): void;
}

export function createGate(
  { at, retries, dialTimeoutMs }: RedisServer,
  reason: () => string | undefined,
): RedisGate {
  const waiting = new Set<Waiter>();
  let isOpen = false;
  let closed: Error | undefined;

  const unreachable = () =>
    new Error(lacking(`redis at ${at}`, reason() ?? "it does not answer"));

  function pass(left: number, ms: number, late: () => Error | undefined) {
    return new Promise<Error | undefined>((resolve) => {
      const waiter: Waiter = {
        left,
        done(error) {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve(error);
        },
      };
      const timer = startTimer(() => waiter.done(late()), ms);
      waiting.add(waiter);
    });
  }

  return {
    get isOpen() {
      return isOpen;
    },
    async wait() {
      if (closed) throw closed;
      if (isOpen) return;
      const error = await pass(retries + 1, dialTimeoutMs, unreachable);
      if (error) throw closed ?? unreachable();
    },
    first: (ms) => pass(1, ms, () => undefined),
    open() {
      isOpen = true;
      for (const waiter of waiting) waiter.done();
    },
    shut() {
      isOpen = false;
    },
    failed(error) {
      for (const waiter of waiting) if (--waiter.left <= 0) waiter.done(error);
    },
    close(error) {
      closed = error;
      isOpen = false;
      for (const waiter of waiting) waiter.done(error);
    },
  };
}
