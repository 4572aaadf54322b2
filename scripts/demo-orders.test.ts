import {
  deliveredMessages,
  OrderCount,
  persistedOrders,
  printedOrders,
} from "./demo-orders.ts";

test("all orders must come; duplicates and unknown numbers do not count", () => {
  const orders = new OrderCount(2, "orders", printedOrders());
  expect(orders.seen("nodeapp", "{ orderId: 2 }")).toBe(false);
  expect(orders.seen("nodeapp", "{ orderId: 2 }")).toBe(false);
  expect(orders.seen("nodeapp", "{ orderId: 7 }")).toBe(false);
  expect(orders.seen("nodeapp", "Hello from Kafka!")).toBe(false);
  expect(orders.seen("nodeapp", "{ orderId: 1 }")).toBe(true);
});

test("colours do not hide an order", () => {
  const orders = new OrderCount(1, "orders", printedOrders());
  expect(orders.seen("nodeapp", "{ orderId: \x1b[33m1\x1b[39m }")).toBe(true);
});

test("an order counts once the app says that it is persisted, and not when that failed", () => {
  const orders = new OrderCount(1, "orders", persistedOrders());
  expect(orders.seen("nodeapp", "Got a new order! Order ID: 1")).toBe(false);
  expect(orders.seen("nodeapp", "Failed to persist state: 500 {}")).toBe(false);
  expect(orders.seen("nodeapp", "Successfully persisted state.")).toBe(false);
  expect(orders.seen("nodeapp", "Got a new order! Order ID: 1")).toBe(false);
  expect(orders.seen("nodeapp", "Successfully persisted state.")).toBe(true);
});

test("a message counts once every subscriber of its topic has printed it", () => {
  const messages = new OrderCount(3, "messages", deliveredMessages());
  const seen = (app: string, line: string) => messages.seen(app, line);
  expect(seen("publisher", "A:  Message 1")).toBe(false);
  expect(seen("node-subscriber", "A:  Message 1")).toBe(false);
  expect(seen("second-subscriber", "C:  Message 3")).toBe(false);
  expect(seen("node-subscriber", "B:  Message 2")).toBe(false);
  expect(seen("node-subscriber", "A:  Message on A")).toBe(false);
  expect(seen("second-subscriber", "A:  Message 1")).toBe(true);
});

test("an order that another app prints does not count", () => {
  const orders = new OrderCount(1, "orders", printedOrders());
  expect(orders.seen("producerapp", "{ orderId: 1 }")).toBe(false);
});

test("after thirty seconds without a new order the missing ones are named", () => {
  const orders = new OrderCount(3, "orders", printedOrders());
  orders.seen("nodeapp", "{ orderId: 2 }");
  expect(orders.overdue(Date.now() + 29_000)).toBeUndefined();
  expect(orders.overdue(Date.now() + 31_000)).toContain(
    "1 of 3 orders came through and no further one within 30 s; missing: 1, 3",
  );
});
