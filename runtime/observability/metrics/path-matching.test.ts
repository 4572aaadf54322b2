import { createPathMatcher } from "./path-matching.ts";

const match = createPathMatcher([
  "/orders/",
  "/orders/{id}",
  "/orders/{id}/items/{item}",
  "/orders/new",
  "/files/{path...}",
]);

test.each([
  ["/orders/7", "/orders/{id}"],
  ["/orders/new", "/orders/new"],
  ["orders/7", "/orders/{id}"],
  ["/orders/7/items/1", "/orders/{id}/items/{item}"],
  ["/orders/7/else", "/orders/"],
  ["/orders/", "/orders/"],
  ["/files/a/b", "/files/{path...}"],
  ["/orders", undefined],
  ["/other", undefined],
])("%s has the pattern %s", (path, pattern) => {
  expect(match(path)).toBe(pattern);
});
