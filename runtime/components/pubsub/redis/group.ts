/**
 * A consumer group over the streams of Redis. All of a group's readers use one
 * consumer name, the group's, as the original's do. Who has an entry is a matter
 * of time: it is the reader's until nobody has touched it for the processing time.
 */
import type { RedisClient } from "../../clients/redis/client.ts";
import type { Entry } from "./entries.ts";

export interface Group {
  /** Creates it for the stream, and the stream, unless they exist; it begins at the first entry. Resolves with whether it was created. */
  ensure(topic: string): Promise<boolean>;
  /** Done with: these entries, at most {@link mostIds}, never come again. */
  acknowledge(topic: string, ids: string[]): Promise<void>;
  /** They are still being worked on: nobody else may have them for another `idleMs`. */
  touch(topic: string, ids: string[]): Promise<void>;
  /** Nobody works on them: whoever looks next may have them. */
  release(topic: string, ids: string[]): Promise<void>;
  /** Takes up to `count` entries that nobody has touched for `idleMs`. `next` is where to go on; "0-0" at the end. */
  takeOver(
    topic: string,
    from: string,
    count: number,
  ): Promise<{ entries: Entry[]; next: string }>;
}

/** So many are named in one command. */
export const mostIds = 500;

/** `idleMs`: the processing time. */
export function groupOf(
  client: RedisClient,
  name: string,
  idleMs: number,
): Group {
  async function claim(topic: string, ids: string[], idle: number) {
    for (let at = 0; at < ids.length; at += mostIds)
      await client.call(
        "XCLAIM",
        topic,
        name,
        name,
        0,
        ...ids.slice(at, at + mostIds),
        "IDLE",
        idle,
        "JUSTID",
      );
  }
  return {
    async ensure(topic) {
      try {
        await client.call("XGROUP", "CREATE", topic, name, "0", "MKSTREAM");
        return true;
      } catch (error) {
        if ((error as Error).message.startsWith("BUSYGROUP")) return false;
        throw explained(topic, error);
      }
    },
    acknowledge: async (topic, ids) =>
      void (await client.call("XACK", topic, name, ...ids)),
    touch: (topic, ids) => claim(topic, ids, 0),
    release: (topic, ids) => claim(topic, ids, idleMs),
    async takeOver(topic, from, count) {
      const reply = await client.call(
        "XAUTOCLAIM",
        topic,
        name,
        name,
        idleMs,
        from,
        "COUNT",
        count,
      );
      const [next, entries] = reply as [Buffer, (Entry | null)[]];
      return {
        // Redis 6 answers null for an entry that was deleted.
        entries: entries.filter((entry) => entry?.[1]) as Entry[],
        next: next.toString(),
      };
    },
  };
}

/** The group, or the stream, was deleted. */
export const isGone = (error: unknown): boolean =>
  (error as Error).message.startsWith("NOGROUP");

/** Redis answered, and asking again would not help. */
export const isRefused = (error: unknown): boolean =>
  [error, (error as Error).cause].some(
    (one) =>
      one instanceof Error &&
      /^(WRONGTYPE|NOPERM|ERR unknown command)/i.test(one.message),
  );

export function explained(topic: string, error: unknown): Error {
  const { message } = error as Error;
  const say = (text: string) =>
    new Error(`redis: topic "${topic}": ${text} (${message})`, {
      cause: error,
    });
  if (message.startsWith("WRONGTYPE"))
    return say(
      "that key holds something else than a stream; take another topic, or delete the key",
    );
  if (/^ERR unknown command/i.test(message))
    return say("this server is too old; pubsub.redis needs Redis 6.2 or later");
  return error as Error;
}
