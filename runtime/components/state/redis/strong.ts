/** Writes that replicas must have as well (`consistency: strong`). */
import type { RedisClient } from "../../clients/redis/client.ts";

type Write = (client: RedisClient) => Promise<unknown>;

export interface StrongWrites {
  /** Resolves with the result of `write` once the replicas have it, or the waiting time is over. Rejects as `write` does. */
  run(write: Write): Promise<unknown>;
  close(): Promise<void>;
}

export interface StrongOptions {
  open(): Promise<RedisClient>;
  /** How many replicas must have it. */
  replicas(): number;
  /** How long to wait for them. */
  waitMs: number;
}

interface Waiting {
  write: Write;
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

/**
 * WAIT blocks the connection that it is sent on, and counts only the writes of
 * that connection. So strong writes have a connection of their own, which the
 * first one opens. Writes that come during a WAIT share the next one.
 */
export function strongWrites(options: StrongOptions): StrongWrites {
  let opening: Promise<RedisClient> | undefined;
  let queue: Waiting[] = [];
  let passing: Promise<void> | undefined;

  /** If it failed, the next write tries again. */
  function connection(): Promise<RedisClient> {
    opening ??= options.open();
    opening.catch(() => (opening = undefined));
    return opening;
  }

  async function pass() {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      await together(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
    }
    passing = undefined;
  }

  async function together(batch: Waiting[]) {
    const client = await connection();
    const passed: (() => void)[] = [];
    await Promise.all(
      batch.map(({ write, resolve, reject }) =>
        write(client).then(
          (reply) => void passed.push(() => resolve(reply)),
          reject,
        ),
      ),
    );
    if (passed.length > 0)
      await client.wait(options.replicas(), options.waitMs);
    for (const tell of passed) tell();
  }

  return {
    run: (write) =>
      new Promise((resolve, reject) => {
        queue.push({ write, resolve, reject });
        passing ??= pass();
      }),
    async close() {
      await passing;
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}
