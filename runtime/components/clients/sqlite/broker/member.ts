/**
 * One reader's membership, on the database's thread: renews the lease, follows
 * the group's changes, reads ahead within a window and commits what is done.
 */
import type { Database } from "./database.ts";
import * as groups from "./group.ts";
import type { Member, Share } from "./group.ts";
import { ensureTopic, fetch, heads } from "./log.ts";
import { thisProcess } from "../live-process.ts";
import type { Progress, ReaderEvent, ReaderOptions } from "./protocol.ts";

/** The most that is read ahead of the app. */
export const window = { messages: 256, laneBytes: 1 << 20, bytes: 4 << 20 };

interface PartitionQueue {
  id: number;
  share: Share;
  /** The next offset to read, the first one that is not done, the first one that is not committed. */
  position: number;
  done: number;
  committed: number;
  /** Read but not done. */
  pending: { offset: number; bytes: number }[];
  bytes: number;
  releasing: boolean;
}

let lastQueue = 0;

export class GroupMember {
  readonly #me: Member;
  readonly #options: ReaderOptions;
  readonly #lease: BigInt64Array;
  readonly #tell: (event: ReaderEvent, transfer?: ArrayBuffer[]) => void;
  readonly #queues = new Map<number, PartitionQueue>();
  #db: Database | undefined;
  #generation = -1;

  constructor(
    options: ReaderOptions,
    lease: SharedArrayBuffer,
    tell: (event: ReaderEvent, transfer?: ArrayBuffer[]) => void,
  ) {
    this.#me = {
      id: options.member,
      group: options.group,
      topics: options.topics,
      leaseMs: options.leaseMs,
      ...thisProcess(),
    };
    this.#options = options;
    this.#lease = new BigInt64Array(lease);
    this.#tell = tell;
  }

  /** Renews the lease and takes or gives back partitions. In a transaction of its own. */
  renew(db: Database): void {
    if (this.#db !== db) this.#startOver(db);
    const { leaseUntilMs, shares, spare } = db.write(
      () => {
        const renewed = groups.renew(db, this.#me);
        this.#generation = groups.generation(db);
        return { ...renewed, spare: this.#spare(db, renewed.shares) };
      },
      { durable: false },
    );
    Atomics.store(this.#lease, 0, BigInt(Math.floor(leaseUntilMs * 1e6)));
    this.#follow(shares);
    for (const queue of this.#queues.values())
      if (spare.has(queue.share.partition) && !queue.releasing) {
        queue.releasing = true;
        this.#tell({ event: "release", queue: queue.id });
      }
  }

  /** Called when the file is another one, perhaps new: this member owns nothing in it yet. */
  #startOver(db: Database): void {
    for (const queue of this.#queues.values()) this.#lose(queue);
    const { group, topics, partitions, start } = this.#options;
    db.write(
      () => {
        for (const topic of topics) {
          ensureTopic(db, topic, partitions);
          groups.registerGroup(db, group, topic, start);
        }
      },
      { durable: true },
    );
    this.#db = db;
  }

  /** The partitions above this member's quota: the last ones of each topic. */
  #spare(db: Database, shares: Share[]): Set<number> {
    const spare = new Set<number>();
    for (const topic of this.#me.topics) {
      const mine = shares.filter((share) => share.topic === topic);
      const all = heads(db, topic).size;
      for (const share of mine.slice(groups.quota(db, this.#me, topic, all)))
        spare.add(share.partition);
    }
    return spare;
  }

  /** Opens queues for new partitions, drops those of partitions that others have now. */
  #follow(shares: Share[]): void {
    const epochs = new Map(
      shares.map((share) => [share.partition, share.epoch]),
    );
    for (const queue of this.#queues.values())
      if (epochs.get(queue.share.partition) !== queue.share.epoch)
        this.#lose(queue);
    const known = new Set(
      [...this.#queues.values()].map((queue) => queue.share.partition),
    );
    for (const share of shares) {
      if (known.has(share.partition)) continue;
      const { committed, topic, number, partition } = share;
      const queue: PartitionQueue = {
        id: ++lastQueue,
        share,
        position: committed,
        done: committed,
        committed,
        pending: [],
        bytes: 0,
        releasing: false,
      };
      this.#queues.set(queue.id, queue);
      this.#tell({
        event: "assigned",
        queue: queue.id,
        topic,
        number,
        partition,
      });
    }
  }

  #lose(queue: PartitionQueue): void {
    this.#queues.delete(queue.id);
    this.#tell({ event: "lost", queue: queue.id });
  }

  /** True if the group's members or owners have changed, or a member has died. */
  needsRenewal(db: Database, lookForDead: boolean): boolean {
    return (
      this.#db !== db ||
      groups.generation(db) !== this.#generation ||
      (lookForDead && groups.deadMembers(db, this.#me).length > 0)
    );
  }

  /** Reads on in all queues that have something new and room for it. */
  fetch(db: Database): void {
    if (this.#db !== db) return;
    let total = [...this.#queues.values()].reduce(
      (sum, queue) => sum + queue.bytes,
      0,
    );
    for (const topic of this.#me.topics) {
      let next: Map<number, number> | undefined;
      for (const queue of this.#queues.values()) {
        if (
          queue.share.topic !== topic ||
          queue.releasing ||
          !hasRoom(queue, total)
        )
          continue;
        next ??= heads(db, topic);
        if ((next.get(queue.share.partition) ?? 0) <= queue.position) continue;
        total += this.#readAhead(db, queue);
      }
    }
  }

  #readAhead(db: Database, queue: PartitionQueue): number {
    const { rows, data } = fetch(
      db,
      queue.share.partition,
      queue.position,
      window.messages - queue.pending.length,
      window.laneBytes - queue.bytes,
    );
    if (rows.length === 0) return 0;
    for (const { offset, size } of rows)
      queue.pending.push({ offset, bytes: Math.max(0, size) });
    queue.bytes += data.byteLength;
    queue.position = rows.at(-1)!.offset + 1;
    const bytes = data.byteLength; // zero once it is transferred
    this.#tell({ event: "records", queue: queue.id, rows, data }, [
      data.buffer,
    ]);
    return bytes;
  }

  /** The app has taken a queue's messages below `next`. */
  progress([id, next]: Progress): void {
    const queue = this.#queues.get(id);
    if (!queue) return; // lost meanwhile
    queue.done = Math.max(queue.done, next);
    const kept = queue.pending.findIndex(({ offset }) => offset >= queue.done);
    for (const { bytes } of queue.pending.splice(0, kept < 0 ? Infinity : kept))
      queue.bytes -= bytes;
  }

  get uncommitted(): boolean {
    return [...this.#queues.values()].some(
      (queue) => queue.done > queue.committed,
    );
  }

  /** Runs inside the caller's transaction; call `committed` once that has succeeded. */
  commit(db: Database): () => void {
    if (this.#db !== db) return () => {};
    const after: (() => void)[] = [];
    for (const queue of this.#queues.values()) {
      const { done } = queue;
      if (done <= queue.committed) continue;
      const ours = groups.commit(db, this.#me, queue.share, done);
      after.push(() =>
        ours ? void (queue.committed = done) : this.#lose(queue),
      );
    }
    return () => {
      for (const step of after) step();
    };
  }

  /** Commits and gives one queue back after the app has finished with it. */
  released(db: Database, progress: Progress): void {
    const queue = this.#queues.get(progress[0]);
    if (!queue) return;
    this.progress(progress);
    db.write(
      () => {
        groups.commit(db, this.#me, queue.share, queue.done);
        groups.release(db, this.#me, queue.share);
      },
      { durable: false },
    );
    this.#queues.delete(queue.id);
  }

  /** Commits all and leaves the group. */
  leave(db: Database, progress: Progress[]): void {
    for (const one of progress) this.progress(one);
    db.write(
      () => {
        this.commit(db);
        groups.removeMember(db, this.#me.id);
      },
      { durable: false },
    );
    this.#queues.clear();
  }
}

/** Whether a queue may read on. An empty one may always read one message, however large. */
function hasRoom(queue: PartitionQueue, totalBytes: number): boolean {
  if (queue.pending.length === 0) return true;
  return (
    queue.pending.length <= window.messages / 2 &&
    queue.bytes <= window.laneBytes / 2 &&
    totalBytes < window.bytes
  );
}
