/** Waits for new entries of several streams, on a connection that does nothing else, as waiting blocks it. */
import { doublingBackoff, pause } from "../../../shared/backoff.ts";
import type { RedisClient } from "../../clients/redis/client.ts";
import type { Entry } from "./entries.ts";

export interface ReaderOptions {
  /** Opens the connection; `hello` is to be run on each new one. */
  open(
    hello: (call: RedisClient["call"]) => Promise<void>,
  ): Promise<RedisClient>;
  /** Ends the wait of the connection with this ID, if possible. */
  unblock(id: number): Promise<void>;
  group: string;
  /** How long Redis holds the answer while nothing is there. */
  blockMs: number;
  /** Resolves with how many entries may be read, once there may be some. */
  room(signal: AbortSignal): Promise<number>;
  /** Called with what came for a topic; an entry may come for one that was just removed. */
  take(topic: string, entries: Entry[]): void;
  /** Called when a read was answered, or failed. */
  answered(topics: readonly string[], error?: Error): Promise<void>;
}

export interface Reader {
  add(topic: string): void;
  /** Resolves once no more of its entries come. */
  remove(topic: string): Promise<void>;
}

export function createReader(options: ReaderOptions): Reader {
  const topics = new Set<string>();
  /** While it reads: ends when there are no topics left. */
  let running: { over: AbortController; ended: Promise<void> } | undefined;
  let client: RedisClient | undefined;
  let connectionId: number | undefined;
  let ending: Promise<void> = Promise.resolve();
  /** The read under way. */
  let reading: Promise<void> = Promise.resolve();

  /** On a new connection, so that its wait can be ended; a user without the right to that waits for the next answer. */
  const hello = async (call: RedisClient["call"]) => {
    connectionId = await call("CLIENT", "ID").then(Number, () => undefined);
  };

  async function run(signal: AbortSignal): Promise<void> {
    const backoff = doublingBackoff(50, 1000);
    while (!signal.aborted) {
      const room = await options.room(signal);
      if (signal.aborted) break;
      const done = Promise.withResolvers<void>();
      reading = done.promise;
      try {
        client ??= await options.open(hello);
        if (topics.size > 0 && !signal.aborted) await read(client, room);
        await options.answered([...topics]);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) break;
        await options.answered([...topics], error as Error);
        done.resolve();
        await backoff.wait(signal);
      } finally {
        done.resolve();
      }
    }
    await client?.close();
    client = undefined;
  }

  async function read(client: RedisClient, room: number): Promise<void> {
    const names = [...topics];
    const reply = (await client.call(
      "XREADGROUP",
      "GROUP",
      options.group,
      options.group,
      "COUNT",
      // Of each stream.
      Math.max(1, Math.floor(room / names.length)),
      "BLOCK",
      options.blockMs,
      "STREAMS",
      ...names,
      ...names.map(() => ">"),
    )) as [Buffer, Entry[]][] | null;
    for (const [topic, entries] of reply ?? [])
      options.take(topic.toString(), entries);
  }

  /** Ends the read under way. It may not have reached Redis yet, so it is asked for again until it has ended. */
  async function wake(): Promise<void> {
    const over = new AbortController();
    void reading.then(() => over.abort());
    do if (connectionId !== undefined) await options.unblock(connectionId);
    while (await pause(20, over.signal));
  }

  return {
    add(topic) {
      topics.add(topic);
      if (running) return void wake();
      const over = new AbortController();
      // One that is about to end has to be gone before.
      running = { over, ended: ending.then(() => run(over.signal)) };
    },
    async remove(topic) {
      topics.delete(topic);
      if (topics.size > 0) {
        const before = reading;
        void wake();
        return before;
      }
      if (!running) return;
      const { over, ended } = running;
      running = undefined;
      ending = ended;
      over.abort();
      void wake();
      // It may be waiting for a server that is away.
      await client?.close();
      await ended;
    },
  };
}
