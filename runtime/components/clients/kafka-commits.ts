/** Says the group's position to the broker, for the lanes of one generation. */
import type { Logger } from "../../log.ts";
import { errorType } from "./kafka-cluster.ts";
import type { Group } from "./kafka-group.ts";
import type { Lane } from "./kafka-lane.ts";

const commitIntervalMs = 200;

export interface Commits {
  /** Something is done: it is committed at most {@link commitIntervalMs} later. */
  schedule(): void;
  /** The last commit of a generation; without one when the membership is gone already. */
  finish(reason: Error | undefined): Promise<void>;
}

export function createCommits(
  group: Group,
  lanes: () => Lane[],
  log: Logger,
  end: (error: Error) => void,
): Commits {
  const committed = new Map<Lane, number>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  // A delivery that outlasts its generation must not commit: the broker would
  // take it in the next one's name, even for a partition of someone else.
  let over = false;

  const dirty = () =>
    lanes().filter((lane) => committed.get(lane) !== lane.doneOffset);

  async function commit(): Promise<void> {
    const due = dirty();
    if (due.length === 0) return;
    const offsets = due.map((lane) => ({
      topic: lane.topic,
      partition: lane.partition,
      offset: lane.doneOffset,
    }));
    await group.commit(offsets);
    due.forEach((lane, index) => committed.set(lane, offsets[index]!.offset));
  }

  function schedule(): void {
    if (over) return;
    timer ??= setTimeout(() => {
      running = commit().then(() => {
        timer = undefined;
        // Done while the commit was on its way.
        if (dirty().length > 0) schedule();
      }, end);
    }, commitIntervalMs);
  }

  return {
    schedule,
    async finish(reason) {
      over = true;
      clearTimeout(timer);
      await running;
      const type = reason && errorType(reason);
      if (reason && type !== "REBALANCE_IN_PROGRESS") return;
      await commit().catch((error: Error) =>
        log.debug(`kafka: last commit of a generation: ${error.message}`),
      );
    },
  };
}
