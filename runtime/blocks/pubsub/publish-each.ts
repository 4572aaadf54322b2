/** A bulk for a broker that takes one message after the other. */
import type { Call } from "../../contracts/call.ts";
import type { BulkEntry, PubSub } from "../../contracts/pubsub.ts";

/** As many as the original's. They begin in the order of the entries. */
const atOnce = 100;

/** Resolves with an error for each entry that was not stored, in the order of `entries`. */
export async function publishEach(
  pubsub: PubSub,
  topic: string,
  entries: readonly BulkEntry[],
  call?: Call,
): Promise<(Error | undefined)[]> {
  const errors: (Error | undefined)[] = [];
  errors.length = entries.length;
  const signal = call?.signal();
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < entries.length; i = next++) {
      const { entryId: _, ...message } = entries[i]!;
      try {
        signal?.throwIfAborted();
        await pubsub.publish({ ...message, topic }, call);
      } catch (error) {
        errors[i] = error as Error;
      }
    }
  };
  const workers = Math.min(atOnce, entries.length);
  await Promise.all(Array.from({ length: workers }, worker));
  return errors;
}
