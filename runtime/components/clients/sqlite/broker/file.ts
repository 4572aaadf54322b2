/**
 * One database file on the database's thread: appends, readers and the timers
 * behind them. A connection that failed is dropped and opened again by the next
 * request.
 */
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import { code, explain, isBusy, needsReopen, sqliteCode } from "../errors.ts";
import { registerGroup } from "./group.ts";
import { append, ensureTopic } from "./log.ts";
import type { Entry } from "./log.ts";
import { GroupMember } from "./member.ts";
import type {
  FileOptions,
  GroupOptions,
  Progress,
  ReaderEvent,
  ReaderOptions,
} from "./protocol.ts";
import { sweep, type Retention } from "./retention.ts";
import { wakeOnChange } from "./wake.ts";
import { startInterval, startTimer } from "../../../../shared/timers.ts";

const commitEveryMs = 100;
const lookForDeadEveryMs = 1000;
/** Runs every minute, or sooner if one slice was not enough. */
const sweepEvery = { ms: 60_000, moreMs: 250, sliceMs: 50 };

export class LogFile {
  readonly path: string;
  readonly #options: FileOptions;
  readonly #members = new Map<
    number,
    {
      member: GroupMember;
      tell: (event: ReaderEvent) => void;
      timer: NodeJS.Timeout;
    }
  >();
  #partitionIds = new Map<string, number[]>();
  readonly #retention = new Map<string, Retention>();
  #open: Database | undefined;
  #stopWake: (() => void) | undefined;
  #commitTimer: NodeJS.Timeout | undefined;
  readonly #deadTimer: NodeJS.Timeout;
  #sweepTimer: NodeJS.Timeout | undefined;
  #lastProblem = "";
  /** The last look failed half-way, so it has to be repeated. */
  #behind = false;

  constructor(path: string, options: FileOptions) {
    this.path = path;
    this.#options = options;
    this.#open = openDatabase(path, options);
    this.serve(options);
    this.#deadTimer = this.#every(lookForDeadEveryMs, () =>
      this.#followGroups(true),
    );
    this.#sweepIn(sweepEvery.ms);
  }

  /** Keeps the messages of a component's topics as it says; of several of one kind the first one says it. */
  serve(options: FileOptions): void {
    if (!this.#retention.has(options.space))
      this.#retention.set(options.space, options);
  }

  #sweepIn(ms: number): void {
    this.#sweepTimer = startTimer(() => {
      let more = false;
      this.#background(() => {
        const retentionOf = (space: string) => this.#retention.get(space);
        more = sweep(this.#db, retentionOf, sweepEvery.sliceMs).more;
      });
      this.#sweepIn(more ? sweepEvery.moreMs : sweepEvery.ms);
    }, ms);
  }

  #every(ms: number, step: () => void): NodeJS.Timeout {
    return startInterval(() => this.#background(step), ms);
  }

  get #db(): Database {
    return (this.#open ??= openDatabase(this.path, this.#options));
  }

  /** Runs a request; its error names the file. */
  #guarded<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      if (needsReopen(error)) this.#drop();
      throw explain(error, this.path);
    }
  }

  /** Runs work that nobody waits for. A problem is logged once, and the next round tries again. */
  #background(step: () => void): void {
    try {
      this.#guarded(step);
      this.#lastProblem = "";
    } catch (error) {
      const text = (error as Error).message;
      if (isBusy((error as Error).cause) || text === this.#lastProblem) return;
      this.#lastProblem = text;
      for (const { tell } of this.#members.values())
        tell({ event: "problem", text });
    }
  }

  #drop(): void {
    this.#stopWake?.();
    this.#stopWake = undefined;
    try {
      this.#open?.close();
    } finally {
      this.#open = undefined;
      this.#partitionIds = new Map();
    }
  }

  topic(topic: string, partitions: number): number {
    return this.#guarded(() => this.#idsOf(topic, partitions).length);
  }

  #idsOf(topic: string, partitions: number): number[] {
    const known = this.#partitionIds.get(topic);
    if (known) return known;
    const db = this.#db;
    const ids = db.write(() => ensureTopic(db, topic, partitions), {
      durable: true,
    });
    this.#partitionIds.set(topic, ids);
    return ids;
  }

  register({ group, topics, partitions, start }: GroupOptions): void {
    this.#guarded(() => {
      const db = this.#db;
      db.write(
        () => {
          for (const topic of topics) {
            ensureTopic(db, topic, partitions);
            registerGroup(db, group, topic, start);
          }
        },
        { durable: true },
      );
    });
  }

  append(entries: Entry[], data: Uint8Array, partitions: number): void {
    this.#guarded(() => {
      try {
        this.#append(entries, data, partitions);
      } catch (error) {
        if (sqliteCode(error) !== code.full) throw error;
        // Messages that all groups have taken are deleted to make room.
        const all = { maxAgeMs: 0, maxCount: 0 };
        if (sweep(this.#db, () => all, 1000).deleted === 0) throw error;
        this.#append(entries, data, partitions);
      }
    });
    this.#background(() => this.#fetchAll());
  }

  #append(entries: Entry[], data: Uint8Array, partitions: number): void {
    const db = this.#db;
    for (const topic of new Set(entries.map((entry) => entry.topic)))
      this.#idsOf(topic, partitions);
    const committed = db.write(
      () => {
        append(db, entries, data, (topic) => this.#idsOf(topic, partitions));
        return this.#commitMembers(db);
      },
      { durable: true },
    );
    db.announce();
    committed();
  }

  #commitMembers(db: Database): () => void {
    const after = [...this.#members.values()].map(({ member }) =>
      member.commit(db),
    );
    return () => {
      for (const step of after) step();
    };
  }

  join(
    reader: number,
    options: ReaderOptions,
    lease: SharedArrayBuffer,
    tell: (event: ReaderEvent) => void,
  ): void {
    const member = new GroupMember(options, lease, tell);
    this.#guarded(() => this.#renew(member));
    // A third of the lease, so that one late renewal does no harm.
    const timer = this.#every(options.leaseMs / 3, () =>
      this.#renewAndCommit(member),
    );
    this.#members.set(reader, { member, tell, timer });
    this.#background(() => {
      this.#followGroups(false);
      this.#fetchAll();
    });
  }

  #renew(member: GroupMember): void {
    const db = this.#db;
    member.renew(db);
    db.announce();
    this.#stopWake ??= wakeOnChange(`${this.path}-wal`, () => this.#look());
  }

  #renewAndCommit(member: GroupMember): void {
    this.#renew(member);
    this.#commitNow();
    this.#fetchAll();
  }

  /** Looks whether another process has written something; true if so. */
  #look(): boolean {
    let changed = false;
    this.#background(() => {
      changed = this.#db.changedElsewhere() || this.#behind;
      if (!changed) return;
      this.#behind = true;
      this.#followGroups(false);
      this.#fetchAll();
      this.#behind = false;
    });
    return changed;
  }

  #followGroups(lookForDead: boolean): void {
    for (const { member } of this.#members.values())
      if (member.needsRenewal(this.#db, lookForDead)) {
        this.#renew(member);
        this.#fetchAll();
      }
  }

  #fetchAll(): void {
    for (const { member } of this.#members.values()) member.fetch(this.#db);
  }

  done(reader: number, progress: Progress[]): void {
    const found = this.#members.get(reader);
    if (!found) return;
    for (const one of progress) found.member.progress(one);
    this.#background(() => found.member.fetch(this.#db));
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      this.#background(() => this.#commitNow());
    }, commitEveryMs);
  }

  #commitNow(): void {
    const db = this.#db;
    if (![...this.#members.values()].some(({ member }) => member.uncommitted))
      return;
    db.write(() => this.#commitMembers(db), { durable: false })();
  }

  released(reader: number, progress: Progress): void {
    const found = this.#members.get(reader);
    if (!found) return;
    this.#guarded(() => {
      found.member.released(this.#db, progress);
      this.#db.announce();
    });
    this.#background(() => this.#followGroups(false));
  }

  verify(reader: number): void {
    const found = this.#members.get(reader);
    if (found) this.#guarded(() => this.#renew(found.member));
  }

  leave(reader: number, progress: Progress[]): void {
    const found = this.#members.get(reader);
    clearInterval(found?.timer);
    this.#members.delete(reader);
    if (this.#members.size === 0) {
      this.#stopWake?.();
      this.#stopWake = undefined;
    }
    if (!found) return;
    this.#guarded(() => {
      found.member.leave(this.#db, progress);
      this.#db.announce();
    });
    this.#background(() => this.#followGroups(false));
  }

  close(): void {
    clearTimeout(this.#commitTimer);
    clearInterval(this.#deadTimer);
    clearTimeout(this.#sweepTimer);
    try {
      for (const reader of this.#members.keys()) this.leave(reader, []);
    } finally {
      this.#guarded(() => this.#drop());
    }
  }
}
