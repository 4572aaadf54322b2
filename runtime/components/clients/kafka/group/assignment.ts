/**
 * Sharing partitions among the members of a consumer group, with the names and
 * bytes other clients use, so that a group may mix them
 * (https://kafka.apache.org/protocol: ConsumerProtocolSubscription, …Assignment).
 */
import { int16, int32 } from "../protocol/wire.ts";

export type Strategy = "range" | "roundrobin" | "sticky";

/** Partition numbers by topic. */
export type Assignment = Map<string, number[]>;

export interface Member {
  memberId: string;
  topics: string[];
}

export function encodeSubscription(topics: string[]): Buffer {
  const parts = [int16(0), int32(topics.length)];
  for (const topic of topics) parts.push(text(topic));
  parts.push(int32(0)); // no user data
  return Buffer.concat(parts);
}

export function decodeSubscription(bytes: Buffer): string[] {
  const read = reader(bytes, 2);
  return Array.from({ length: read.int32() }, read.text);
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const parts = [int16(0), int32(assignment.size)];
  for (const [topic, partitions] of assignment)
    parts.push(text(topic), int32(partitions.length), ...partitions.map(int32));
  parts.push(int32(0));
  return Buffer.concat(parts);
}

/** A member that got nothing gets no bytes at all from some leaders. */
export function decodeAssignment(bytes: Buffer): Assignment {
  const assignment: Assignment = new Map();
  if (bytes.length < 6) return assignment;
  const read = reader(bytes, 2);
  for (let topics = read.int32(); topics > 0; topics--) {
    const topic = read.text();
    assignment.set(topic, Array.from({ length: read.int32() }, read.int32));
  }
  return assignment;
}

/** Who reads what. `before` is what the members had, as far as the leader knows; `sticky` keeps to it. */
export function assign(
  strategy: Strategy,
  members: Member[],
  partitions: Map<string, number[]>,
  before: Map<string, Assignment>,
): Map<string, Assignment> {
  const result = new Map<string, Assignment>(
    members.map(({ memberId }) => [memberId, new Map()]),
  );
  const give = (memberId: string, topic: string, partition: number) => {
    const own = result.get(memberId)!;
    own.set(topic, [...(own.get(topic) ?? []), partition]);
  };
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const readersOf = (topic: string) =>
    sorted.filter(({ topics }) => topics.includes(topic));

  if (strategy === "range") {
    for (const [topic, all] of partitions) {
      const readers = readersOf(topic);
      let next = 0;
      readers.forEach(({ memberId }, index) => {
        const share =
          Math.floor(all.length / readers.length) +
          (index < all.length % readers.length ? 1 : 0);
        for (const partition of all.slice(next, (next += share)))
          give(memberId, topic, partition);
      });
    }
    return result;
  }

  const load = (memberId: string) =>
    [...result.get(memberId)!.values()].reduce((n, own) => n + own.length, 0);
  const all = [...partitions].flatMap(([topic, numbers]) =>
    numbers.map((partition) => ({ topic, partition })),
  );
  const fairShare = Math.ceil(all.length / Math.max(members.length, 1));
  const free = all.filter(({ topic, partition }) => {
    if (strategy !== "sticky") return true;
    const keeper = readersOf(topic).find(
      ({ memberId }) =>
        before.get(memberId)?.get(topic)?.includes(partition) &&
        load(memberId) < fairShare,
    );
    if (keeper) give(keeper.memberId, topic, partition);
    return !keeper;
  });
  for (const { topic, partition } of free) {
    const [least] = readersOf(topic).toSorted(
      (a, b) => load(a.memberId) - load(b.memberId),
    );
    if (least) give(least.memberId, topic, partition);
  }
  return result;
}

const text = (value: string) =>
  Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);

function reader(bytes: Buffer, start: number) {
  let at = start;
  return {
    int32: () => bytes.readInt32BE((at += 4) - 4),
    text: () => {
      const length = bytes.readInt16BE((at += 2) - 2);
      return bytes.toString("utf8", at, (at += length));
    },
  };
}
