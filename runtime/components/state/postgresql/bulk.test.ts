import type { SetState } from "../../../contracts/state-store.ts";
import { bulkSet } from "./bulk.ts";

const item = (key: string, value: string, more: Partial<SetState> = {}) => ({
  key,
  value,
  metadata: {},
  ...more,
});

/** A table in memory that takes no value `bad`. */
function makeTable() {
  const stored = new Map<string, string>();
  const batches: number[] = [];
  const check = ({ value }: SetState) => {
    if (value === "bad") throw new Error("refused");
  };
  let running = 0;
  let most = 0;
  const apart = async (work: () => void) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    work();
  };
  return {
    stored,
    batches,
    most: () => most,
    writes: {
      set: (one: SetState) =>
        apart(() => {
          check(one);
          if (one.etag) throw new Error("mismatch");
          stored.set(one.key, one.value as string);
        }),
      setPlain: (all: SetState[]) =>
        apart(() => {
          batches.push(all.length);
          expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
          all.forEach(check);
          for (const { key, value } of all) stored.set(key, value as string);
        }),
      isRefusal: (error: unknown) => (error as Error).message === "refused",
      parallel: 2,
    },
  };
}

test("batches are bounded, and no more run at a time than allowed", async () => {
  const { writes, batches, stored, most } = makeTable();
  const items = Array.from({ length: 250 }, (_, i) => item(`k${i}`, `${i}`));
  const long = [item("l1", "x".repeat(1 << 20)), item("l2", "y")];
  const failures = await bulkSet([...items, ...long], writes);
  expect(failures).toEqual(Array(252).fill(undefined));
  expect(batches).toEqual([100, 100, 50, 1, 1]);
  expect(stored.size).toBe(252);
  expect(most()).toBe(2);
});

test("of one key the last stays, with etags among them one after the other", async () => {
  const { writes, stored } = makeTable();
  const failures = await bulkSet(
    [
      item("a", "1"),
      item("b", "1"),
      item("b", "2", { etag: "7" }),
      item("a", "2"),
      item("b", "3"),
    ],
    writes,
  );
  expect(failures.map((one) => one?.message)).toEqual([
    undefined,
    undefined,
    "mismatch",
    undefined,
    undefined,
  ]);
  expect(Object.fromEntries(stored)).toEqual({ a: "2", b: "3" });
});

test("one that is refused costs no other of its batch, and a bad TTL neither", async () => {
  const { writes, stored } = makeTable();
  writes.set = (one) =>
    one.metadata["ttlInSeconds"]
      ? Promise.reject(new Error("bad TTL"))
      : makeSet(one);
  const makeSet = async (one: SetState) => {
    if (one.value === "bad") throw new Error("refused");
    stored.set(one.key, one.value as string);
  };
  const failures = await bulkSet(
    [
      item("a", "1"),
      item("b", "bad"),
      item("c", "1", { metadata: { ttlInSeconds: "soon" } }),
      item("d", "1"),
    ],
    writes,
  );
  expect(failures.map((one) => one?.message)).toEqual([
    undefined,
    "refused",
    "bad TTL",
    undefined,
  ]);
  expect([...stored.keys()]).toEqual(["a", "d"]);
});

test("a batch whose connection was lost is told for each of its items, and not sent again", async () => {
  const { writes, batches } = makeTable();
  writes.setPlain = async (all) => {
    batches.push(all.length);
    throw new Error("lost");
  };
  const items = Array.from({ length: 150 }, (_, i) => item(`k${i}`, "1"));
  const failures = await bulkSet(items, writes);
  expect(failures.every((one) => one?.message === "lost")).toBe(true);
  expect(batches).toEqual([100, 50]);
});
