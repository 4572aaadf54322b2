/** Commits the group's position, for the queues of one generation. */
import type { Logger } from "../../../../shared/log.ts";
import { errorType, explainError } from "../errors.ts";
import type { Group } from "../group/group.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import { createRests } from "./rests.ts";

/** A commit follows after so much time or so many records. That much may come twice after a crash. */
const commitIntervalMs = 200;
const commitRecords = 100;
/** At most so many requests under way; a broker answers them one after the other. */
const mostUnderWay = 5;

export interface Commits {
  /** Counts records that are done. They are committed once there are {@link commitRecords}, or {@link commitIntervalMs} later. */
  schedule(done?: number): void;
  /** Ends a generation with its last commit, unless the membership is gone already. */
  finish(reason: Error | undefined): Promise<void>;
}

export function createCommits(
  group: Group,
  queues: () => PartitionQueue[],
  log: Logger,
  end: (error: Error) => void,
): Commits {
  /** The offset that was committed last, by queue. */
  const told = new Map<PartitionQueue, number>();
  const underWay = new Set<Promise<void>>();
  const resting = new AbortController();
  const denied = createRests<string>(resting.signal, () => schedule(0));
  let timer: NodeJS.Timeout | undefined;
  let uncommitted = 0;
  // A delivery that outlasts its generation must not commit: the broker would
  // count it for the next generation, even if another member has the partition.
  let over = false;

  const due = () =>
    queues().filter(
      (queue) =>
        queue.doneOffset >= 0 &&
        told.get(queue) !== queue.doneOffset &&
        !denied.has(queue.topic),
    );

  /** One request for each topic, so that a denied topic does not hold up the others. */
  async function commit(): Promise<void> {
    const byTopic = Map.groupBy(due(), ({ topic }) => topic);
    await Promise.all(
      [...byTopic].map(async ([topic, some]) => {
        const offsets = some.map((queue) => ({
          topic,
          partition: queue.partition,
          offset: queue.doneOffset,
        }));
        some.forEach((queue, at) => told.set(queue, offsets[at]!.offset));
        try {
          await group.commit(offsets);
        } catch (error) {
          for (const queue of some) told.delete(queue);
          if (errorType(error) !== "TOPIC_AUTHORIZATION_FAILED") throw error;
          // The fetcher needs the same right, and tells the user.
          log.debug(
            `kafka: commit: ${explainError(error, { operation: "READ", topic })}`,
          );
          denied.begin(topic);
        }
      }),
    );
  }

  function send(): void {
    clearTimeout(timer);
    timer = undefined;
    uncommitted = 0;
    const sent = commit()
      .catch(end)
      .finally(() => underWay.delete(sent));
    underWay.add(sent);
  }

  function schedule(done = 0): void {
    if (over) return;
    uncommitted += done;
    if (uncommitted >= commitRecords && underWay.size < mostUnderWay) send();
    else timer ??= setTimeout(send, commitIntervalMs);
  }

  return {
    schedule,
    async finish(reason) {
      over = true;
      resting.abort();
      clearTimeout(timer);
      await Promise.all(underWay);
      const type = reason && errorType(reason);
      if (reason && type !== "REBALANCE_IN_PROGRESS") return;
      await commit().catch((error: Error) =>
        log.debug(`kafka: last commit of a generation: ${error.message}`),
      );
    },
  };
}
