import type { CallEvent, DeliveryEvent } from "../../../shared/watch-event.ts";
import { factsOf, filtered, rowOf, sayTraffic } from "./describe-event.ts";
import type { Seen } from "./store.ts";

const base = { id: "1", at: 0, ms: 0.44 };
const call: CallEvent = {
  ...base,
  type: "call",
  door: "http",
  method: "POST",
  path: "/v1.0/bindings/sample-topic",
  block: "bindings",
  target: "sample-topic",
  status: 500,
  isError: true,
  request: {
    contentType: "application/json",
    bytes: 15,
    text: '{"orderId": 42}',
    isCut: false,
  },
};
const delivery: DeliveryEvent = {
  ...base,
  type: "delivery",
  from: "pubsub",
  source: "pubsub",
  topic: "A",
  path: "/orders",
  status: 200,
  outcome: "success",
};
const seen = (event: Seen["event"], n = 1): Seen => ({
  n,
  appId: "shop",
  sidecar: "7",
  event,
});

test("calls and deliveries in one line", () => {
  expect(rowOf(seen(call))).toMatchObject({
    app: "shop",
    what: "POST /v1.0/bindings/sample-topic",
    status: "500",
    ms: "0.4 ms",
    isError: true,
  });
  expect(rowOf(seen({ ...delivery, ms: 12.3 }))).toMatchObject({
    what: "pubsub / A → /orders",
    status: "200 success",
    ms: "12 ms",
    isError: false,
  });
  const grpc: CallEvent = {
    ...call,
    door: "grpc",
    method: "/dapr.proto.runtime.v1.Dapr/GetState",
    target: "statestore",
    key: "k",
    status: 13,
  };
  expect(rowOf(seen(grpc))).toMatchObject({
    what: "Dapr/GetState statestore k",
    status: "gRPC 13",
  });
});

test("control characters of others are escaped", () => {
  const row = rowOf({
    ...seen({ ...call, path: "/v1.0/\u202egnp.exe" }),
    appId: "a\u001b[2Jb",
  });
  expect(row.app).toBe("a\\u001b[2Jb");
  expect(row.what).toBe("POST /v1.0/\\u202egnp.exe");
});

test("the filter looks at all words, in bodies too; the newest comes first", () => {
  const all = [seen(call, 1), seen(delivery, 2), seen(call, 3)];
  const found = (text: string, errorsOnly = false) =>
    filtered(all, text, errorsOnly).map(({ n }) => n);
  expect(found("")).toEqual([3, 2, 1]);
  expect(found("ORDERID 500")).toEqual([3, 1]);
  expect(found("shop success")).toEqual([2]);
  expect(found("nothing")).toEqual([]);
  expect(found("", true)).toEqual([3, 1]);
});

test("facts that are not known are left out", () => {
  expect(factsOf(seen(call)).map(([name]) => name)).toEqual([
    "What",
    "Path",
    "Building block",
    "Component",
    "Status",
    "Began",
  ]);
  expect(factsOf(seen(delivery))).toContainEqual([
    "Status",
    "200 success, in 0.4 ms",
  ]);
});

test("one sentence tells the traffic, and none that there was none", () => {
  const before = { calls: 5, deliveries: 5, errors: 1 };
  const now = { calls: 6, deliveries: 15, errors: 1 };
  expect(sayTraffic(before, now, 15)).toBe(
    "In the last 15 seconds: 1 call, 10 deliveries, 0 errors.",
  );
  expect(sayTraffic(before, before, 15)).toBe("");
});
