/**
 * A topic that is read. A message is acknowledged once it is done with. One that
 * the app does not take is tried again at once for a while, and then left to
 * come again after the processing time, so that it does not keep a worker.
 */
import {
  DeliveryInterrupted,
  type StopReading,
} from "../../../contracts/delivery.ts";
import type {
  BulkLimits,
  HandleBulk,
  TopicMessage,
} from "../../../contracts/pubsub.ts";
import {
  doublingBackoff,
  pause,
  type Backoff,
} from "../../../shared/backoff.ts";
import type { Logger } from "../../../shared/log.ts";
import { startInterval, startTimer } from "../../../shared/timers.ts";
import {
  deliverUntilTaken,
  type RetryPolicy,
  type RetryWords,
} from "../../retry.ts";
import { toMessage, type Entry } from "./entries.ts";
import { isGone, isRefused, mostIds, type Group } from "./group.ts";
import { inBatches } from "./in-batches.ts";
import type { Reader } from "./reader.ts";
import { createGather, type Work, type Workers } from "./workers.ts";

export interface TopicOptions {
  topic: string;
  /** Names it in the log. */
  where: string;
  group: Group;
  reader: Reader;
  workers: Workers;
  limits: BulkLimits;
  deliver: HandleBulk;
  policy: RetryPolicy;
  /** Undefined: what is not acknowledged never comes again. */
  redelivery: { idleMs: number; everyMs: number } | undefined;
  /** Makes the group anew after it was deleted. */
  renew(): Promise<void>;
  log: Logger;
}

export interface ReadTopic {
  take(entries: Entry[]): void;
  stop: StopReading;
  /** Set once it is being stopped. */
  readonly ending: Promise<void> | undefined;
}

interface Held {
  id: string;
  message: TopicMessage;
  /** When Redis last knew that we have it. */
  touchedAt: number;
}

/** For so long a message that the app does not take keeps its worker, if it comes again afterwards. */
const inPlaceMs = 5000;
const words: RetryWords = {
  holdsUp: "a worker",
  advice: "give the subscription a deadLetterTopic to keep it",
};

/** Rejects if Redis refuses to read it; a server that is away is waited for. */
export async function readTopic(options: TopicOptions): Promise<ReadTopic> {
  const { topic, where, group, reader, workers, log, redelivery } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const held = new Map<string, Held>();
  /** What was read and is not delivered here, but by the next reader. */
  const left: string[] = [];
  /** Work that no worker has begun. */
  const waiting = new Map<Work, Held[]>();
  const underWay = new Set<Promise<void>>();
  const retrying = new Set<AbortController>();

  const gather = createGather<Held>(options.limits, (some) => {
    const work: Work = {
      run() {
        waiting.delete(work);
        return track(deliver(some));
      },
    };
    waiting.set(work, some);
    workers.add(work);
  });
  const noFlush = workers.onFull(gather.flush);

  /** A stop waits for it. */
  function track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  }

  function take(entries: Entry[]): void {
    for (const [id, fields] of entries) {
      const name = id.toString();
      if (held.has(name)) continue;
      if (signal.aborted) {
        left.push(name);
        continue;
      }
      const message = toMessage(topic, fields, (problem) =>
        log.warn(`${where}: message ${name}: ${problem}`),
      );
      const one = { id: name, message, touchedAt: performance.now() };
      held.set(name, one);
      workers.hold(message.data.length);
      gather.add(one);
    }
  }

  function drop({ id, message }: Held): void {
    held.delete(id);
    workers.release(message.data.length);
  }

  /** Left for the next reader. */
  function leave(some: Held[]): void {
    for (const one of some) {
      left.push(one.id);
      drop(one);
    }
  }

  const acknowledgeId = inBatches(mostIds, (ids: string[]) =>
    group.acknowledge(topic, ids),
  );

  async function acknowledge(one: Held): Promise<void> {
    let backoff: Backoff | undefined;
    for (;;)
      try {
        await acknowledgeId(one.id);
        break;
      } catch (error) {
        if (signal.aborted || isRefused(error)) {
          log.warn(
            `${where}: message ${one.id} is done with, but could not be acknowledged, so it comes again: ${(error as Error).message}`,
          );
          break;
        }
        backoff ??= doublingBackoff(100, 1000);
        await backoff.wait(signal);
      }
    drop(one);
  }

  async function deliver(some: Held[]): Promise<void> {
    let open = some;
    if (redelivery) {
      // While this process stood still another one may have taken them over.
      const since = performance.now() - redelivery.idleMs;
      for (const one of some) if (one.touchedAt <= since) drop(one);
      open = some.filter(({ touchedAt }) => touchedAt > since);
      if (open.length === 0) return;
    }
    let last: Error | undefined;
    async function attempt(): Promise<void> {
      const errors = await options.deliver(open.map(({ message }) => message));
      last = undefined;
      open = open.filter((one, at) => {
        const error = errors[at];
        if (error === undefined) {
          void track(acknowledge(one));
          return false;
        }
        if (!last || error instanceof DeliveryInterrupted) last = error;
        return true;
      });
      if (last) throw last;
    }
    let done = false;
    if (!signal.aborted)
      done = await attempt().then(
        () => true,
        (error: Error) => again(attempt, error, open),
      );
    if (done) for (const one of open) void track(acknowledge(one));
    else if (!last || signal.aborted || last instanceof DeliveryInterrupted)
      leave(open);
    else
      for (const one of open) {
        log.warn(
          `${where}: message ${one.id} stays pending and comes again after ${redelivery!.idleMs} ms: ${last.message}`,
        );
        drop(one);
      }
  }

  /** After a first try that failed. True if they are done with. */
  async function again(
    attempt: () => Promise<void>,
    error: Error,
    some: Held[],
  ): Promise<boolean> {
    const over = new AbortController();
    if (signal.aborted) over.abort();
    retrying.add(over);
    const limit =
      redelivery &&
      startTimer(
        () => over.abort(),
        Math.min(inPlaceMs, redelivery.idleMs / 2),
      );
    let tries = 0;
    const done = await deliverUntilTaken(
      `${where}: ${some.length === 1 ? `message ${some[0]!.id}` : `${some.length} messages from ${some[0]!.id}`}`,
      undefined,
      {
        deliver: () => (tries++ === 0 ? Promise.reject(error) : attempt()),
        policy: options.policy,
        deadLetter: undefined,
        log,
        ...words,
      },
      over.signal,
    );
    clearTimeout(limit);
    retrying.delete(over);
    return done;
  }

  /** Keeps what is held from others: what waits for a worker, and what the app works on. */
  async function touch({ idleMs }: { idleMs: number }): Promise<void> {
    const now = performance.now();
    const due = [...held.values()].filter(
      ({ touchedAt }) => now - touchedAt >= idleMs / 4,
    );
    if (due.length === 0) return;
    try {
      await group.touch(
        topic,
        due.map(({ id }) => id),
      );
      for (const one of due) one.touchedAt = now;
    } catch (error) {
      log.debug(`${where}: touching: ${(error as Error).message}`);
    }
  }

  /** Takes over what nobody works on. */
  async function sweep(): Promise<void> {
    let from = "0-0";
    do {
      await workers.hasRoom(signal);
      if (signal.aborted) return;
      const found = await group.takeOver(topic, from, workers.room);
      take(found.entries);
      from = found.next;
    } while (from !== "0-0");
  }

  async function prepare(): Promise<void> {
    const backoff = doublingBackoff(100, 1000);
    while (!signal.aborted)
      try {
        await group.ensure(topic);
        return;
      } catch (error) {
        log.debug(`${where}: ${(error as Error).message}`);
        await backoff.wait(signal);
      }
  }

  async function run(): Promise<void> {
    if (!isThere) await prepare();
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      if (redelivery)
        try {
          await sweep();
        } catch (error) {
          if (isGone(error)) await options.renew();
          else log.debug(`${where}: ${(error as Error).message}`);
        }
      if (isFirst && !signal.aborted) reader.add(topic);
      await pause(redelivery?.everyMs ?? Infinity, signal);
    }
  }

  let isThere = false;
  try {
    await group.ensure(topic);
    isThere = true;
  } catch (error) {
    if (isRefused(error)) throw error;
  }
  const running = run();
  const touching =
    redelivery &&
    startInterval(() => void touch(redelivery), redelivery.idleMs / 4);

  async function end(): Promise<void> {
    stopping.abort();
    noFlush();
    workers.remove((work) => waiting.has(work));
    for (const some of waiting.values()) leave(some);
    waiting.clear();
    leave(gather.empty());
    for (const over of retrying) over.abort();
    await running;
    await reader.remove(topic);
    while (underWay.size > 0) await Promise.all(underWay);
    clearInterval(touching);
    if (left.length === 0 || !redelivery) return;
    await group
      .release(topic, left)
      .catch((error: Error) =>
        log.warn(
          `${where}: ${left.length} messages come again only after ${redelivery.idleMs} ms: ${error.message}`,
        ),
      );
  }

  let ended: Promise<void> | undefined;
  return {
    take,
    stop: () => (ended ??= end()),
    get ending() {
      return ended;
    },
  };
}
