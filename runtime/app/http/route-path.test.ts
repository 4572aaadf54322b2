import { routePath } from "./route-path.ts";

test.each([
  ["orders", "/orders"],
  ["/orders?a=b", "/orders?a=b"],
  ["x#f", "/x"],
  ["#f", "/"],
  ["x%23f", "/x%23f"],
  ["grüße#f", "/gr%C3%BC%C3%9Fe"],
])("the route %s is asked for as %s", (route, path) => {
  expect(routePath(route)).toBe(path);
});
