/**
 * Consumer groups in the shared database: who is a member, who owns which
 * partition, how far the group is. A member stays one as long as its lease.
 * Ownership is fenced by an epoch, so a member that lost a partition cannot move
 * its offset. Functions that write run inside one transaction of the caller.
 */
import { offsetsPerPartition } from "./database.ts";
import type { Database, Row } from "./database.ts";
import { heads } from "./log.ts";
import { isDead } from "../live-process.ts";
import type { ProcessIdentity } from "../live-process.ts";

export interface Member extends ProcessIdentity {
  /** Random, so that a restarted process neither waits for its old membership nor fights it. */
  id: string;
  group: string;
  topics: string[];
  leaseMs: number;
}

/** A partition this member owns. */
export interface Share {
  partition: number;
  topic: string;
  number: number;
  epoch: number;
  committed: number;
}

/** No lease is longer; Kafka's group.max.session.timeout.ms is about the same. */
export const longestLeaseMs = 300_000;
const seenEveryMs = 3_600_000;

/** Milliseconds of the machine's monotonic clock, which all processes share. Setting the time of day does not change a lease. */
export const leaseClockMs = () =>
  Number(process.hrtime.bigint() / 1000n) / 1000;

/** Counts changes of membership and ownership, so that one row tells whether anything changed. */
export const generation = (db: Database) =>
  db.one("SELECT value FROM log_meta WHERE key = 'generation'")![
    "value"
  ] as number;

const bumpGeneration = (db: Database) =>
  db.run("UPDATE log_meta SET value = value + 1 WHERE key = 'generation'");

/** Stores where a new group starts in a topic, so that no later message is missed. */
export function registerGroup(
  db: Database,
  group: string,
  topic: string,
  start: "oldest" | "newest",
): void {
  for (const [partition, next] of heads(db, topic))
    db.run(
      "INSERT INTO log_share (grp, partition, committed, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      group,
      partition,
      start === "newest" ? next : oldest(db, partition, next),
      Date.now(),
    );
}

function oldest(db: Database, partition: number, next: number): number {
  const base = partition * offsetsPerPartition;
  const row = db.one(
    "SELECT min(id) AS id FROM log_message WHERE id >= ? AND id < ?",
    base,
    base + next,
  );
  return row?.["id"] == null ? next : (row["id"] as number) - base;
}

/** Other members whose process is dead or whose lease has ended. */
export function deadMembers(db: Database, me: Member): string[] {
  const now = leaseClockMs();
  return db
    .all("SELECT * FROM log_member WHERE grp = ? AND id <> ?", me.group, me.id)
    .filter((row) => {
      const until = row["lease_until_ms"] as number;
      // A lease that ends later than any lease can was written before a reboot.
      return (
        until < now || until > now + longestLeaseMs || isDead(identity(row), me)
      );
    })
    .map((row) => row["id"] as string);
}

const identity = (row: Row): ProcessIdentity => ({
  machine: row["machine"] as string,
  pid: row["pid"] as number,
  started: row["started"] as string,
});

/** Renews this member's lease (joins if it has none), removes dead members and takes free partitions up to its fair share. */
export function renew(
  db: Database,
  me: Member,
): { leaseUntilMs: number; shares: Share[] } {
  const leaseUntilMs = leaseClockMs() + me.leaseMs;
  const renewed = db.run(
    "UPDATE log_member SET lease_until_ms = ? WHERE id = ?",
    leaseUntilMs,
    me.id,
  );
  if (renewed === 0) {
    db.run(
      "INSERT INTO log_member (id, grp, topics, machine, pid, started, lease_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      me.id,
      me.group,
      JSON.stringify(me.topics),
      me.machine,
      me.pid,
      me.started,
      leaseUntilMs,
    );
    bumpGeneration(db);
  }
  for (const id of deadMembers(db, me)) removeMember(db, id);
  for (const topic of me.topics) claim(db, me, topic);
  db.run(
    "UPDATE log_share SET seen_at = ? WHERE grp = ? AND seen_at < ?",
    Date.now(),
    me.group,
    Date.now() - seenEveryMs,
  );
  return { leaseUntilMs, shares: sharesOf(db, me) };
}

/** Takes free partitions of a topic until this member's quota is reached. */
function claim(db: Database, me: Member, topic: string): void {
  const shares = db.all(
    "SELECT s.partition, s.owner FROM log_share s JOIN log_partition p ON p.id = s.partition WHERE s.grp = ? AND p.topic = ? ORDER BY p.number",
    me.group,
    topic,
  );
  let missing = quota(db, me, topic, shares.length);
  missing -= shares.filter((row) => row["owner"] === me.id).length;
  for (const { partition } of shares.filter((row) => row["owner"] === null)) {
    if (missing-- <= 0) break;
    db.run(
      "UPDATE log_share SET owner = ?, epoch = epoch + 1 WHERE grp = ? AND partition = ?",
      me.id,
      me.group,
      partition!,
    );
  }
}

/** How many of a topic's partitions this member gets: an even split; who gets the remainder differs by topic. */
export function quota(
  db: Database,
  me: Member,
  topic: string,
  partitions: number,
): number {
  const members = db
    .all(
      "SELECT id, topics FROM log_member WHERE grp = ? ORDER BY id",
      me.group,
    )
    .filter((row) =>
      (JSON.parse(row["topics"] as string) as string[]).includes(topic),
    )
    .map((row) => row["id"] as string);
  const index = members.indexOf(me.id);
  if (index < 0) return 0;
  const turn = (index + topic.length) % members.length;
  return (
    Math.floor(partitions / members.length) +
    (turn < partitions % members.length ? 1 : 0)
  );
}

function sharesOf(db: Database, me: Member): Share[] {
  return db
    .all(
      "SELECT s.partition, s.epoch, s.committed, p.topic, p.number FROM log_share s JOIN log_partition p ON p.id = s.partition WHERE s.grp = ? AND s.owner = ? ORDER BY p.topic, p.number",
      me.group,
      me.id,
    )
    .map((row) => row as unknown as Share);
}

/** Moves the group's offset; false if this member has lost the partition. */
export function commit(
  db: Database,
  me: Member,
  share: Share,
  next: number,
): boolean {
  const changed = db.run(
    "UPDATE log_share SET committed = ? WHERE grp = ? AND partition = ? AND owner = ? AND epoch = ?",
    next,
    me.group,
    share.partition,
    me.id,
    share.epoch,
  );
  return changed === 1;
}

/** Gives a partition back; the other members see the new generation. */
export function release(db: Database, me: Member, share: Share): void {
  const released = db.run(
    "UPDATE log_share SET owner = NULL WHERE grp = ? AND partition = ? AND owner = ? AND epoch = ?",
    me.group,
    share.partition,
    me.id,
    share.epoch,
  );
  if (released > 0) bumpGeneration(db);
}

/** Ends a membership: all its partitions become free. */
export function removeMember(db: Database, id: string): void {
  db.run("UPDATE log_share SET owner = NULL WHERE owner = ?", id);
  if (db.run("DELETE FROM log_member WHERE id = ?", id) > 0) bumpGeneration(db);
}
