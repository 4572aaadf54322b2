import type { CallEvent } from "../../../shared/watch-event.ts";
import { Store, maxSeen, useKey } from "./store.ts";

const call = (more: Partial<CallEvent> = {}): CallEvent => ({
  type: "call",
  id: "1",
  at: 0,
  ms: 1,
  door: "http",
  method: "POST",
  path: "/v1.0/publish/pubsub/A",
  block: "pubsub",
  target: "pubsub",
  topic: "A",
  status: 204,
  isError: false,
  ...more,
});

const takes = (store: Store, more?: Partial<CallEvent>) =>
  store.take({ type: "event", appId: "a", sidecar: "1", event: call(more) });

test("only the newest are kept, and all are counted", () => {
  const store = new Store();
  for (let n = 0; n < maxSeen + 10; n++) takes(store, { isError: n === 0 });
  expect(store.seen).toHaveLength(maxSeen);
  expect(store.seen.at(-1)?.n).toBe(maxSeen + 10);
  expect(store.counts).toEqual({
    calls: maxSeen + 10,
    deliveries: 0,
    errors: 1,
    missed: 0,
  });
  expect(store.uses.get(useKey("1", "pubsub", "A"))).toBe(maxSeen + 10);
});

test("a delivery that the app did not take is an error", () => {
  const store = new Store();
  store.take({
    type: "event",
    appId: "a",
    sidecar: "1",
    event: {
      type: "delivery",
      id: "1",
      at: 0,
      ms: 1,
      from: "pubsub",
      source: "pubsub",
      path: "/a",
      outcome: "retry",
    },
  });
  expect(store.counts).toMatchObject({ deliveries: 1, errors: 1 });
});

test("what is missed is counted, by the sidecar and by the dashboard", () => {
  const store = new Store();
  const event = { type: "missed" as const, count: 3 };
  store.take(event);
  store.take({ type: "event", appId: "a", sidecar: "1", event });
  expect(store.counts.missed).toBe(6);
  expect(store.seen).toEqual([]);
});

test("the dashboard's own look at the metadata is not shown", () => {
  const store = new Store();
  const metadata = { path: "/v1.0/metadata", block: "metadata" as const };
  takes(store, { ...metadata, method: "GET" });
  expect(store.seen).toEqual([]);
  takes(store, { ...metadata, method: "PUT", path: "/v1.0/metadata/x" });
  expect(store.seen).toHaveLength(1);
});

test("many changes are told at once", async () => {
  const store = new Store();
  let times = 0;
  const told = new Promise<void>((resolve) =>
    store.onChange(() => {
      times++;
      resolve();
    }),
  );
  for (let n = 0; n < 100; n++) takes(store);
  await told;
  expect(times).toBe(1);
});
