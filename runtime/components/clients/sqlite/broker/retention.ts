/** Deletes messages that all live groups have taken. */
import { offsetsPerPartition } from "./database.ts";
import type { Database } from "./database.ts";

export interface Retention {
  /** Messages older than this are deleted once all live groups have taken them (or if there is no group). */
  maxAgeMs: number;
  /** How many messages per partition stay although all live groups have taken them. */
  maxCount: number;
}

/** A group that was not seen for so long no longer holds messages back; as Kafka's offsets.retention.minutes. */
export const groupLifeMs = 7 * 24 * 3_600_000;
const batch = 500;

/** The space of a topic: up to and with its first comma, which no topic of a binding has. */
const spaceOf = (topic: string) => topic.slice(0, topic.indexOf(",") + 1);

/**
 * Deletes in short transactions until nothing is left to delete or the time is
 * up: the thread has messages to store too. `retentionOf` says what is kept in a
 * space of topics; those of a space without one stay.
 */
export function sweep(
  db: Database,
  retentionOf: (space: string) => Retention | undefined,
  budgetMs: number,
): { deleted: number; more: boolean } {
  const endMs = performance.now() + budgetMs;
  let deleted = 0;
  for (const { id, topic, bound, groups } of bounds(db)) {
    const retention = retentionOf(spaceOf(topic));
    if (!retention) continue;
    const { maxAgeMs, maxCount } = retention;
    const oldestMs = Date.now() - maxAgeMs;
    const base = id * offsetsPerPartition;
    // Without a reader only age counts: a consumer may still come.
    const surplusBelow = groups > 0 ? base + bound - maxCount : base;
    for (let gone = batch; gone === batch; deleted += gone) {
      if (performance.now() > endMs) return { deleted, more: true };
      gone = db.write(
        () =>
          db.run(
            `DELETE FROM log_message WHERE id IN (SELECT id FROM
              (SELECT id, created_at FROM log_message WHERE id >= ? AND id < ? ORDER BY id LIMIT ${batch})
              WHERE created_at < ? OR id < ?)`,
            base,
            base + bound,
            oldestMs,
            surplusBelow,
          ),
        { durable: false },
      );
    }
  }
  return { deleted, more: false };
}

/** For each partition the offset below which no live group needs anything. */
function bounds(
  db: Database,
): { id: number; topic: string; bound: number; groups: number }[] {
  return db
    .all(
      `SELECT p.id, p.topic, p.next, min(s.committed) AS committed, count(s.grp) AS groups
       FROM log_partition p LEFT JOIN log_share s ON s.partition = p.id AND s.seen_at > ? GROUP BY p.id`,
      Date.now() - groupLifeMs,
    )
    .map((row) => ({
      id: row["id"] as number,
      topic: row["topic"] as string,
      bound: (row["committed"] ?? row["next"]) as number,
      groups: row["groups"] as number,
    }));
}
