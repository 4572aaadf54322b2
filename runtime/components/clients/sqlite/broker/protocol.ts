/** What the sidecar's thread and the database's thread tell each other. */
import type { DatabaseOptions } from "./database.ts";
import type { Entry, Stored } from "./log.ts";
import type { Retention } from "./retention.ts";

export interface FileOptions extends DatabaseOptions, Retention {
  /**
   * What the component's topics begin with in the file, up to and with a comma, or nothing. Kinds of components that
   * share a file keep their topics apart by it, and each deletes only its own.
   */
  space: string;
}

export interface GroupOptions {
  group: string;
  topics: string[];
  partitions: number;
  start: "oldest" | "newest";
}

export interface ReaderOptions extends GroupOptions {
  /** Random, and the same when the reader joins again, so that it need not wait for its old membership. */
  member: string;
  /** How long a reader without a sign of life keeps its partitions. */
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
      /** The number of partitions of a new topic. */
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
  /** The lease seems to be over: renew it, or answer with `lost` which partitions are gone. */
  | { op: "verify"; path: string; reader: number }
  | { op: "released"; path: string; reader: number; progress: Progress }
  | { op: "done"; path: string; reader: number; progress: Progress[] };

export interface Reply {
  id: number;
  error?: string;
  value?: number;
}

/** Events that a reader gets without asking. */
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
  /** Finish what is in flight, then send `released`. */
  | { event: "release"; queue: number }
  /** Another member has the partition: drop everything. */
  | { event: "lost"; queue: number }
  | { event: "problem"; text: string };

export type ToWorker = Request & { id: number };
export type FromWorker = Reply | (ReaderEvent & { reader: number });
