import type { Call } from "../../contracts/call.ts";
import type { BulkEntry, PubSub } from "../../contracts/pubsub.ts";
import {
  EtagError,
  type SetState,
  type StateStore,
} from "../../contracts/state-store.ts";
import type { Logger } from "../../shared/log.ts";
import { aroundCalls } from "./around.ts";
import { aroundStateStore } from "./components.ts";
import { aroundPubSub } from "./pubsub.ts";
import type { Policy } from "./runner.ts";

const nobody = () => {};
const policy: Policy = {
  name: "component[one] output",
  timeoutMs: 0,
  retry: {
    policy: "constant",
    durationMs: 1,
    maxIntervalMs: 0,
    maxRetries: 3,
  },
  breaker: undefined,
  count: undefined,
  log: { debug: nobody, info: nobody, warn: nobody } as unknown as Logger,
};

/** Answers each of `keys` with an error as often as `failures` says. */
function failing(failures: Record<string, Error[]>) {
  const asked: string[] = [];
  return {
    asked,
    answer(keys: string[]) {
      asked.push(keys.join());
      return keys.map((key) => failures[key]?.shift());
    },
  };
}
const down = () => new Error("down");

test("of a bulk only what failed is done again, and what no try would mend stays as it is", async () => {
  const { asked, answer } = failing({
    b: [down(), down()],
    c: [new EtagError("mismatch"), down()],
    d: [down()],
  });
  const seen: unknown[] = [];
  const store = aroundStateStore(
    {
      bulkSet: async (requests: SetState[]) =>
        answer(requests.map(({ key }) => key)),
    } as unknown as StateStore,
    aroundCalls(
      (operation, isSuccess) => seen.push(operation, isSuccess),
      () => policy,
    ),
  );
  const requests = ["a", "b", "c", "d"].map((key) => ({
    key,
    value: "1",
    metadata: {},
  }));
  const ends = await store.bulkSet!(requests);
  expect(asked).toEqual(["a,b,c,d", "b,d", "b"]);
  expect(ends).toEqual([
    undefined,
    undefined,
    new EtagError("mismatch"),
    undefined,
  ]);
  // One call, with all its tries.
  expect(seen).toEqual(["set", false]);
});

test("an etag that does not match is no reason to try again", async () => {
  let times = 0;
  const store = aroundStateStore(
    {
      set: async () => {
        times++;
        throw new EtagError("mismatch");
      },
    } as unknown as StateStore,
    aroundCalls(undefined, () => policy),
  );
  const request = { key: "a", value: "1", metadata: {} };
  await expect(store.set(request)).rejects.toThrow("possible etag mismatch");
  expect(times).toBe(1);
});

test("a component gets a call that ends with the time limit, and with its caller", async () => {
  const calls: (Call | undefined)[] = [];
  const caller = new AbortController();
  const open = (timeoutMs: number) =>
    aroundStateStore(
      {
        get: async (_: unknown, call?: Call) => void calls.push(call),
      } as unknown as StateStore,
      aroundCalls(undefined, () => ({ ...policy, timeoutMs })),
    );
  const call: Call = { door: "http", signal: () => caller.signal };
  for (const timeoutMs of [0, 3_600_000])
    await open(timeoutMs).get({ key: "a", metadata: {} }, call);
  expect(calls.map((one) => one?.door)).toEqual(["http", "http"]);
  expect(calls[0]!.signal()).toBe(caller.signal);
  expect(calls[1]!.signal()).not.toBe(caller.signal);
});

test("without a policy a call goes to the component as it is", async () => {
  const calls: unknown[] = [];
  const store = aroundStateStore(
    {
      get: async (...args: unknown[]) => void calls.push(...args),
    } as unknown as StateStore,
    aroundCalls(undefined, () => undefined),
  );
  const request = { key: "a", metadata: {} };
  const call: Call = { door: "http", signal: () => policy as never };
  await store.get(request, call);
  expect(calls[0]).toBe(request);
  expect(calls[1]).toBe(call);
});

test("publishing is tried again, and of a bulk what was not stored", async () => {
  const { asked, answer } = failing({ x: [down()], b: [down()] });
  const told: unknown[] = [];
  const bus = aroundPubSub(
    {
      publish: async () => {
        const [error] = answer(["x"]);
        if (error) throw error;
      },
      publishBulk: async (_: string, entries: BulkEntry[]) =>
        answer(entries.map(({ entryId }) => entryId)),
    } as unknown as PubSub,
    (...count) => told.push(count.slice(0, 3)),
    () => policy,
  );
  const message = { data: new Uint8Array(), contentType: "", metadata: {} };
  await bus.publish({ topic: "t", ...message });
  const entries = ["a", "b"].map((entryId) => ({ entryId, ...message }));
  expect(await bus.publishBulk!("t", entries, {})).toEqual([
    undefined,
    undefined,
  ]);
  expect(asked).toEqual(["x", "x", "a,b", "b"]);
  expect(told).toEqual([
    ["t", false, true],
    ["t", true, true],
  ]);
});
