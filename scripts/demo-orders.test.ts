import { OrderCount } from "./demo-orders.ts";

test("all orders must come, duplicates and strangers do not count", () => {
  const orders = new OrderCount(2);
  expect(orders.seen("{ orderId: 2 }")).toBe(false);
  expect(orders.seen("{ orderId: 2 }")).toBe(false);
  expect(orders.seen("{ orderId: 7 }")).toBe(false);
  expect(orders.seen("Hello from Kafka!")).toBe(false);
  expect(orders.seen("{ orderId: 1 }")).toBe(true);
});

test("thirty seconds without a new order are too long, and it says what is missing", () => {
  const orders = new OrderCount(3);
  orders.seen("{ orderId: 2 }");
  expect(orders.overdue(Date.now() + 29_000)).toBeUndefined();
  expect(orders.overdue(Date.now() + 31_000)).toContain(
    "1 of 3 orders came through and no further one within 30 s; missing: 1, 3",
  );
});
