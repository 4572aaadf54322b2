/** What the sidecar's thread and a state database's thread tell each other. */
import type { StateValue } from "../../../../contracts/state-store.ts";

export interface StateFileOptions {
  /** Absolute, or a `file:` URI with the parameters SQLite takes, or `:memory:`. */
  location: string;
  /** The file; undefined for a database in memory. */
  path: string | undefined;
  /** Its name in errors. */
  label: string;
  isReadOnly: boolean;
  useWal: boolean;
  /** As SQL: `PRAGMA cache_size = -2000`. */
  pragmas: string[];
  /** A write that another program's transaction holds up for longer is refused. */
  busyTimeoutMs: number;
  table: string;
  metadataTable: string;
  /** 0 = never. */
  cleanupIntervalMs: number;
}

/** One write. `ttl` is in seconds, 0 = for good. `etag` must match. `first`: only if the key does not exist. */
export type StateWrite =
  | {
      op: "set";
      key: string;
      value: StateValue;
      ttl: number;
      etag: string | undefined;
      first: boolean;
    }
  | { op: "delete"; key: string; etag: string | undefined };

/** Each is answered by one {@link Outcome}, in order. `gets` are read at one moment; `list` gives keys in their order. */
export type StateTask =
  | StateWrite
  | { op: "get"; key: string }
  | { op: "gets"; keys: string[] }
  | { op: "list"; prefix: string; after: string; limit: number }
  | { op: "multi"; writes: StateWrite[] };

export const isRead = ({ op }: StateTask): boolean =>
  op === "get" || op === "gets" || op === "list";

/** `expires` is SQLite's text: `2026-11-21 08:00:00`, UTC. */
export type FoundRow = [
  value: StateValue,
  etag: string,
  expires: string | null,
];

/** `null`: done, or nothing found. A text: what went wrong; `mismatch` is about an etag. */
export type Outcome =
  | null
  | FoundRow
  | { rows: (FoundRow | null)[] }
  | { listed: string[] }
  | { error: string }
  | "mismatch";

/** Sent for a write that waits for another program's transaction: its outcome comes later. */
export const parked = "parked";

export type ToStateWorker =
  | { op: "open"; options: StateFileOptions }
  | { op: "tasks"; tasks: StateTask[] }
  | { op: "close" };

export type FromStateWorker =
  | { outcomes: (Outcome | typeof parked)[] }
  /** Outcomes of the writes that were parked longest, in their order. */
  | { late: Outcome[] }
  /** Opened or closed; `error` says why not. */
  | { done: true; error?: string }
  /** Work that nobody asked for failed: the sweep. */
  | { problem: string };
