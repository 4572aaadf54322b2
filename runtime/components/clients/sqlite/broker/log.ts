/** Topics, partitions and their messages in the shared database. Every writer runs inside one transaction of the caller. */
import { offsetsPerPartition } from "./database.ts";
import type { Database } from "./database.ts";

/** A message to append; `size` bytes of the batch's data belong to it, -1 is a null record. */
export interface Entry {
  topic: string;
  partition: number;
  key: string | null;
  headers: string | null;
  size: number;
}

/** A stored message; its value is `size` bytes of the batch's data, -1 is a null record. */
export interface Stored {
  offset: number;
  createdAtMs: number;
  key: string | null;
  headers: string | null;
  size: number;
}

/** IDs of a topic's partitions by number. A new topic gets so many `partitions`; an existing one keeps its own. */
export function ensureTopic(
  db: Database,
  topic: string,
  partitions: number,
): number[] {
  const find = () =>
    db
      .all(
        "SELECT id FROM log_partition WHERE topic = ? ORDER BY number",
        topic,
      )
      .map((row) => row["id"] as number);
  const found = find();
  if (found.length > 0) return found;
  for (let number = 0; number < partitions; number++)
    db.run(
      "INSERT INTO log_partition (topic, number) VALUES (?, ?)",
      topic,
      number,
    );
  return find();
}

/** Appends a batch. Offsets are assigned here, so they become visible in order and without gaps. */
export function append(
  db: Database,
  entries: readonly Entry[],
  data: Uint8Array,
  partitionIds: (topic: string) => number[],
): void {
  const next = new Map<number, number>();
  const now = Date.now();
  let at = 0;
  for (const { topic, partition, key, headers, size } of entries) {
    const id = partitionIds(topic)[partition];
    if (id === undefined)
      throw new Error(`topic ${topic} has no partition ${partition}`);
    const offset = next.get(id) ?? head(db, id);
    next.set(id, offset + 1);
    const value = size < 0 ? null : data.subarray(at, (at += size));
    db.run(
      "INSERT INTO log_message (id, created_at, key, headers, value) VALUES (?, ?, ?, ?, ?)",
      id * offsetsPerPartition + offset,
      now,
      key,
      headers,
      value,
    );
  }
  for (const [id, offset] of next)
    db.run("UPDATE log_partition SET next = ? WHERE id = ?", offset, id);
}

const head = (db: Database, partition: number) =>
  db.one("SELECT next FROM log_partition WHERE id = ?", partition)![
    "next"
  ] as number;

/** The next offset of each partition of a topic. */
export function heads(db: Database, topic: string): Map<number, number> {
  const rows = db.all(
    "SELECT id, next FROM log_partition WHERE topic = ?",
    topic,
  );
  return new Map(
    rows.map((row) => [row["id"] as number, row["next"] as number]),
  );
}

/** Up to `limit` messages from `offset` on, fewer once `maxBytes` are reached, but at least one. */
export function fetch(
  db: Database,
  partition: number,
  offset: number,
  limit: number,
  maxBytes: number,
): { rows: Stored[]; data: Uint8Array<ArrayBuffer> } {
  const rows: Stored[] = [];
  const values: Uint8Array[] = [];
  let bytes = 0;
  const base = partition * offsetsPerPartition;
  db.each(
    "SELECT id, created_at, key, headers, value FROM log_message WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
    [base + offset, base + offsetsPerPartition, limit],
    (row) => {
      const value = row["value"] as Uint8Array | null;
      rows.push({
        offset: (row["id"] as number) - base,
        createdAtMs: row["created_at"] as number,
        key: row["key"] as string | null,
        headers: row["headers"] as string | null,
        size: value === null ? -1 : value.byteLength,
      });
      if (value !== null) values.push(value);
      bytes += value?.byteLength ?? 0;
      return bytes < maxBytes;
    },
  );
  const data = new Uint8Array(bytes);
  let at = 0;
  for (const value of values) {
    data.set(value, at);
    at += value.byteLength;
  }
  return { rows, data };
}
