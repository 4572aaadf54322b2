/**
 * One reader's membership, on the database's thread: renews the lease, follows
 * the group's changes, reads ahead within a window and commits what is done.
 */
import type { Database } from "./sqlite-database.ts";
import * as groups from "./sqlite-group.ts";
import type { Member, Share } from "./sqlite-group.ts";
import { ensureTopic, fetch, heads } from "./sqlite-log.ts";
import { thisProcess } from "./sqlite-process.ts";
import type {
  Progress,
  ReaderEvent,
  ReaderOptions,
} from "./sqlite-protocol.ts";

/** The most that is read ahead of the app. */
const window = { messages: 256, laneBytes: 1 << 20, bytes: 4 << 20 };

interface Lane {
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

let lastLane = 0;

export class GroupMember {
  readonly #me: Member;
  readonly #options: ReaderOptions;
  readonly #lease: BigInt64Array;
  readonly #tell: (event: ReaderEvent, transfer?: ArrayBuffer[]) => void;
  readonly #lanes = new Map<number, Lane>();
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
    for (const lane of this.#lanes.values())
      if (spare.has(lane.share.partition) && !lane.releasing) {
        lane.releasing = true;
        this.#tell({ event: "release", lane: lane.id });
      }
  }

  /** Called when the file is another one, perhaps new: this member owns nothing in it yet. */
  #startOver(db: Database): void {
    for (const lane of this.#lanes.values()) this.#lose(lane);
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

  /** Opens lanes for new partitions, drops those of partitions that others have now. */
  #follow(shares: Share[]): void {
    const epochs = new Map(
      shares.map((share) => [share.partition, share.epoch]),
    );
    for (const lane of this.#lanes.values())
      if (epochs.get(lane.share.partition) !== lane.share.epoch)
        this.#lose(lane);
    const known = new Set(
      [...this.#lanes.values()].map((lane) => lane.share.partition),
    );
    for (const share of shares) {
      if (known.has(share.partition)) continue;
      const { committed, topic, number, partition } = share;
      const lane: Lane = {
        id: ++lastLane,
        share,
        position: committed,
        done: committed,
        committed,
        pending: [],
        bytes: 0,
        releasing: false,
      };
      this.#lanes.set(lane.id, lane);
      this.#tell({
        event: "assigned",
        lane: lane.id,
        topic,
        number,
        partition,
      });
    }
  }

  #lose(lane: Lane): void {
    this.#lanes.delete(lane.id);
    this.#tell({ event: "lost", lane: lane.id });
  }

  /** True if the group's members or owners have changed, or a member has died. */
  needsRenewal(db: Database, lookForDead: boolean): boolean {
    return (
      this.#db !== db ||
      groups.generation(db) !== this.#generation ||
      (lookForDead && groups.deadMembers(db, this.#me).length > 0)
    );
  }

  /** Reads on in all lanes that have something new and room for it. */
  fetch(db: Database): void {
    if (this.#db !== db) return;
    let total = [...this.#lanes.values()].reduce(
      (sum, lane) => sum + lane.bytes,
      0,
    );
    for (const topic of this.#me.topics) {
      let next: Map<number, number> | undefined;
      for (const lane of this.#lanes.values()) {
        if (
          lane.share.topic !== topic ||
          lane.releasing ||
          !hasRoom(lane, total)
        )
          continue;
        next ??= heads(db, topic);
        if ((next.get(lane.share.partition) ?? 0) <= lane.position) continue;
        total += this.#readAhead(db, lane);
      }
    }
  }

  #readAhead(db: Database, lane: Lane): number {
    const { rows, data } = fetch(
      db,
      lane.share.partition,
      lane.position,
      window.messages - lane.pending.length,
      window.laneBytes - lane.bytes,
    );
    if (rows.length === 0) return 0;
    for (const { offset, size } of rows)
      lane.pending.push({ offset, bytes: Math.max(0, size) });
    lane.bytes += data.byteLength;
    lane.position = rows.at(-1)!.offset + 1;
    const bytes = data.byteLength; // zero once it is transferred
    this.#tell({ event: "records", lane: lane.id, rows, data }, [data.buffer]);
    return bytes;
  }

  /** The app has taken a lane's messages below `next`. */
  progress([id, next]: Progress): void {
    const lane = this.#lanes.get(id);
    if (!lane) return; // lost meanwhile
    lane.done = Math.max(lane.done, next);
    const kept = lane.pending.findIndex(({ offset }) => offset >= lane.done);
    for (const { bytes } of lane.pending.splice(0, kept < 0 ? Infinity : kept))
      lane.bytes -= bytes;
  }

  get uncommitted(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.done > lane.committed);
  }

  /** Runs inside the caller's transaction; call `committed` once that has succeeded. */
  commit(db: Database): () => void {
    if (this.#db !== db) return () => {};
    const after: (() => void)[] = [];
    for (const lane of this.#lanes.values()) {
      const { done } = lane;
      if (done <= lane.committed) continue;
      const ours = groups.commit(db, this.#me, lane.share, done);
      after.push(() =>
        ours ? void (lane.committed = done) : this.#lose(lane),
      );
    }
    return () => {
      for (const step of after) step();
    };
  }

  /** Commits and gives one lane back after the app has finished with it. */
  released(db: Database, progress: Progress): void {
    const lane = this.#lanes.get(progress[0]);
    if (!lane) return;
    this.progress(progress);
    db.write(
      () => {
        groups.commit(db, this.#me, lane.share, lane.done);
        groups.release(db, this.#me, lane.share);
      },
      { durable: false },
    );
    this.#lanes.delete(lane.id);
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
    this.#lanes.clear();
  }
}

/** Whether a lane may read on. An empty one may always read one message, however large. */
function hasRoom(lane: Lane, totalBytes: number): boolean {
  if (lane.pending.length === 0) return true;
  return (
    lane.pending.length <= window.messages / 2 &&
    lane.bytes <= window.laneBytes / 2 &&
    totalBytes < window.bytes
  );
}
