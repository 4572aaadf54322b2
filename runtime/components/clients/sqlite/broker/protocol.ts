/** What the sidecar's thread and the database's thread tell each other. */
import type { DatabaseOptions } from "./database.ts";
import type { Entry, Stored } from "./log.ts";
import type { Retention } from "./retention.ts";

export interface FileOptions extends DatabaseOptions, Retention {}

export interface GroupOptions {
  group: string;
  topics: string[];
  partitions: number;
  start: "oldest" | "newest";
}

export interface ReaderOptions extends GroupOptions {
  /** Random, and the same when the reader joins again: nobody waits for its old self. */
  member: string;
  /** How long a silent reader keeps its partitions. */
  leaseMs: number;
}

/** `[queue, next]`: this queue's messages below `next` are done. */
export type Progress = [queue: number, next: number];

/** Each is answered once by a {@link Reply}. */
export type Request =
  | { op: "open"; path: string; options: FileOptions }
  | { op: "close"; path: string }
  /** Creates the topic unless it is there; the reply is its number of partitions. */
  | { op: "topic"; path: string; topic: string; partitions: number }
  /** Stores where a new group starts. */
  | { op: "register"; path: string; options: GroupOptions }
  | {
      op: "append";
      path: string;
      /** Of a topic that is new. */
      partitions: number;
      entries: Entry[];
      data: Uint8Array<ArrayBuffer>;
    }
  /** Joins the group; the lease's end is written to `lease`. */
  | {
      op: "join";
      path: string;
      reader: number;
      options: ReaderOptions;
      lease: SharedArrayBuffer;
    }
  | { op: "leave"; path: string; reader: number; progress: Progress[] }
  /** The lease looks over: renew it, or learn by `lost` what it cost. */
  | { op: "verify"; path: string; reader: number }
  | { op: "released"; path: string; reader: number; progress: Progress }
  | { op: "done"; path: string; reader: number; progress: Progress[] };

export interface Reply {
  id: number;
  error?: string;
  value?: number;
}

/** What happens to a reader without being asked. */
export type ReaderEvent =
  | {
      event: "assigned";
      queue: number;
      topic: string;
      number: number;
      partition: number;
    }
  | {
      event: "records";
      queue: number;
      rows: Stored[];
      data: Uint8Array<ArrayBuffer>;
    }
  /** Finish what is in flight, then say `released`. */
  | { event: "release"; queue: number }
  /** Someone else has it: drop everything. */
  | { event: "lost"; queue: number }
  | { event: "problem"; text: string };

export type ToWorker = Request & { id: number };
export type FromWorker = Reply | (ReaderEvent & { reader: number });
