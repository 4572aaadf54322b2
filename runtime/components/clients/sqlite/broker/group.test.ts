import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import * as groups from "./group.ts";
import type { Member, Share } from "./group.ts";
import { ensureTopic } from "./log.ts";
import { isDead, thisProcess } from "../live-process.ts";

let folder: string;
let db: Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sqlite-group-"));
  db = openDatabase(join(folder, "log.db"), {
    fullSync: false,
    maxSizeBytes: 1 << 24,
  });
  write(() => {
    ensureTopic(db, "orders", 8);
    groups.registerGroup(db, "g", "orders", "oldest");
  });
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const write = <T>(step: () => T) => db.write(step, { durable: false });
const member = (id: string, change: Partial<Member> = {}): Member => ({
  ...thisProcess(),
  id,
  group: "g",
  topics: ["orders"],
  leaseMs: 10_000,
  ...change,
});
const renew = (who: Member) => write(() => groups.renew(db, who).shares);
const numbers = (shares: Share[]) => shares.map((share) => share.number);
const giveBack = (who: Member, shares: Share[]) =>
  write(() => shares.forEach((share) => groups.release(db, who, share)));

test("a lone member gets all, a second its half once that is given back", () => {
  const [a, b] = [member("a"), member("b")];
  const all = renew(a);
  expect(numbers(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(renew(b)).toEqual([]);
  expect(write(() => groups.quota(db, a, "orders", 8))).toBe(4);
  giveBack(a, all.slice(4));
  expect(numbers(renew(b))).toEqual([4, 5, 6, 7]);
  expect(numbers(renew(a))).toEqual([0, 1, 2, 3]);
});

test("quotas of all members add up to all partitions", () => {
  const members = ["a", "b", "c", "d", "e"].map((id) => member(id));
  members.forEach(renew);
  for (const partitions of [1, 3, 8, 13]) {
    const sum = members.reduce(
      (n, who) => n + groups.quota(db, who, "orders", partitions),
      0,
    );
    expect(sum).toBe(partitions);
  }
});

test("an ended lease is taken over, and its old holder cannot move the offset", () => {
  const stalled = member("stalled", { leaseMs: -1 });
  const [old] = renew(stalled);
  const next = member("next");
  const taken = renew(next).find(
    (share) => share.partition === old!.partition,
  )!;
  expect(taken.epoch).toBe(old!.epoch + 1);
  expect(write(() => groups.commit(db, stalled, old!, 99))).toBe(false);
  expect(write(() => groups.commit(db, next, taken, 3))).toBe(true);
  expect(
    renew(next).find((share) => share.partition === old!.partition)!.committed,
  ).toBe(3);
});

test("a holder that got its partition back has a new epoch: what it did under the old one does not count", () => {
  const a = member("a");
  const [before] = renew(a);
  giveBack(a, [before!]);
  const after = renew(a).find(
    (share) => share.partition === before!.partition,
  )!;
  expect(write(() => groups.commit(db, a, before!, 5))).toBe(false);
  expect(write(() => groups.commit(db, a, after, 5))).toBe(true);
});

test("a dead process is replaced at once, a living one is not", () => {
  const { pid } = spawnSync(process.execPath, ["-e", "0"]);
  const dead = member("dead", { pid, started: "1" });
  renew(dead);
  const next = member("next");
  expect(groups.deadMembers(db, next)).toEqual(["dead"]);
  expect(renew(next)).toHaveLength(8);
  const other = member("other");
  expect(groups.deadMembers(db, other)).toEqual([]);
});

test("a lease written before a reboot is not waited for", () => {
  const before = member("before", { leaseMs: groups.longestLeaseMs * 2 });
  renew(before);
  expect(groups.deadMembers(db, member("now"))).toEqual(["before"]);
});

test("a pid that another process has now counts as dead, one of another machine never", () => {
  const self = thisProcess();
  expect(isDead(self, self)).toBe(false);
  expect(isDead({ ...self, started: "17" }, self)).toBe(self.started !== "");
  const gone = spawnSync(process.execPath, ["-e", "0"]).pid;
  expect(isDead({ ...self, pid: gone }, self)).toBe(true);
  expect(isDead({ ...self, pid: gone, machine: "elsewhere" }, self)).toBe(
    false,
  );
});

test("newest starts at the end as of the first time, oldest at the first message there is", () => {
  write(() => db.run("UPDATE log_partition SET next = 7"));
  write(() => groups.registerGroup(db, "late", "orders", "newest"));
  write(() => db.run("UPDATE log_partition SET next = 9"));
  write(() => groups.registerGroup(db, "late", "orders", "newest"));
  const late = renew(member("x", { group: "late" }));
  expect(late.map((share) => share.committed)).toEqual(Array(8).fill(7));
});

test("every change of members or owners is seen by the generation", () => {
  const seen = [groups.generation(db)];
  const note = () => seen.push(groups.generation(db));
  const a = member("a");
  const shares = renew(a);
  note();
  renew(a);
  expect(groups.generation(db)).toBe(seen[1]);
  giveBack(a, shares.slice(0, 1));
  note();
  write(() => groups.removeMember(db, "a"));
  note();
  expect(new Set(seen).size).toBe(4);
});
