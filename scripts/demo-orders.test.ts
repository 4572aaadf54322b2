import { OrderCount, persistedOrders, printedOrders } from "./demo-orders.ts";

test("all orders must come; duplicates and unknown numbers do not count", () => {
  const orders = new OrderCount(2, printedOrders());
  expect(orders.seen("{ orderId: 2 }")).toBe(false);
  expect(orders.seen("{ orderId: 2 }")).toBe(false);
  expect(orders.seen("{ orderId: 7 }")).toBe(false);
  expect(orders.seen("Hello from Kafka!")).toBe(false);
  expect(orders.seen("{ orderId: 1 }")).toBe(true);
});

test("colours do not hide an order", () => {
  const orders = new OrderCount(1, printedOrders());
  expect(orders.seen("{ orderId: \x1b[33m1\x1b[39m }")).toBe(true);
});

test("an order counts once the app says that it is persisted, and not when that failed", () => {
  const orders = new OrderCount(1, persistedOrders());
  expect(orders.seen("Got a new order! Order ID: 1")).toBe(false);
  expect(orders.seen("Failed to persist state: 500 {}")).toBe(false);
  expect(orders.seen("Successfully persisted state.")).toBe(false);
  expect(orders.seen("Got a new order! Order ID: 1")).toBe(false);
  expect(orders.seen("Successfully persisted state.")).toBe(true);
});

test("after thirty seconds without a new order the missing ones are named", () => {
  const orders = new OrderCount(3, printedOrders());
  orders.seen("{ orderId: 2 }");
  expect(orders.overdue(Date.now() + 29_000)).toBeUndefined();
  expect(orders.overdue(Date.now() + 31_000)).toContain(
    "1 of 3 orders came through and no further one within 30 s; missing: 1, 3",
  );
});
