import type {
  AccessControl,
  AccessPolicy,
} from "../../contracts/configuration.ts";
import { isAllowed, type Caller } from "./access-control.ts";

const caller: Caller = { trustDomain: "td", namespace: "ns", appId: "app" };

const list = (
  operations: [name: string, verbs: string, action: "allow" | "deny"][],
  more: Partial<AccessPolicy> = {},
  defaultAction: "allow" | "deny" = "deny",
): AccessControl => ({
  defaultAction,
  trustDomain: "public",
  policies: [
    {
      appId: "app",
      namespace: "ns",
      trustDomain: "td",
      defaultAction: "deny",
      operations: operations.map(([name, verbs, action]) => ({
        name,
        httpVerbs: verbs.split(" "),
        action,
      })),
      ...more,
    },
  ],
});

test.each([
  ["/orders", "/orders", true],
  ["/orders", "/ORDERS", true],
  ["/Orders", "/orders", true],
  ["/orders", "/orders/1", false],
  ["/orders", "/order", false],
  ["/orders/*", "/orders/1", true],
  ["/orders/*", "/orders/1/items", false],
  ["/orders/*", "/orders", false],
  ["/orders/**", "/orders/1/items", true],
  ["/orders/**", "/ordersx", false],
  ["/*", "/orders", true],
  ["/*", "/orders/1", false],
  ["/**", "/orders/1", true],
  ["/a.c", "/abc", false],
])("%s speaks of %s: %s", (name, operation, expected) => {
  const rules = list([[name, "*", "allow"]]);
  expect(isAllowed(rules, caller, operation, "GET")).toBe(expected);
});

test("an exact verb goes before the star, in whatever order they stand", () => {
  for (const rules of [
    list([
      ["/a", "*", "deny"],
      ["/a", "GET", "allow"],
    ]),
    list([
      ["/a", "GET", "allow"],
      ["/a", "*", "deny"],
    ]),
  ]) {
    expect(isAllowed(rules, caller, "/a", "GET")).toBe(true);
    expect(isAllowed(rules, caller, "/a", "POST")).toBe(false);
  }
});

test("the most specific operation decides; a verb it does not name is left to the policy", () => {
  const rules = list(
    [
      ["/**", "*", "deny"],
      ["/a/**", "*", "deny"],
      ["/a/*", "*", "allow"],
      ["/a/b", "POST", "deny"],
    ],
    { defaultAction: "allow" },
  );
  expect(isAllowed(rules, caller, "/a/c", "GET")).toBe(true);
  expect(isAllowed(rules, caller, "/a/b", "POST")).toBe(false);
  expect(isAllowed(rules, caller, "/a/b", "GET")).toBe(true);
  expect(isAllowed(rules, caller, "/x", "GET")).toBe(false);
});

test.each([
  ["another app", { ...caller, appId: "other" }],
  ["another namespace", { ...caller, namespace: "other" }],
  ["another trust domain", { ...caller, trustDomain: "public" }],
  ["nobody with a certificate", undefined],
])("%s gets the list's default, not the policy's", (_, other) => {
  const rules = list([["/a", "*", "allow"]], { defaultAction: "allow" });
  expect(isAllowed(rules, other, "/a", "GET")).toBe(false);
  expect(
    isAllowed({ ...rules, defaultAction: "allow" }, other, "/a", "GET"),
  ).toBe(true);
});

test("the policy's default goes before the list's", () => {
  const rules = list([], { defaultAction: "deny" }, "allow");
  expect(isAllowed(rules, caller, "/a", "GET")).toBe(false);
});

/** What the original decides (1.14.4, `isOperationAllowedByAccessControlPolicy` with `isHTTP` false). */
test.each<[string, boolean, ...Parameters<typeof list>[0]]>([
  ["/orders", true, ["/orders", "*", "allow"]],
  ["/ORDERS", false, ["/orders", "*", "allow"]],
  ["/orders", false, ["/Orders", "*", "allow"]],
  ["/Orders", true, ["/Orders", "*", "allow"]],
  ["/orders", true, ["/orders", "", "allow"]],
  ["/orders", true, ["/orders", "GET", "allow"]],
  ["/orders", true, ["/orders", "GET", "allow"], ["/orders", "POST", "deny"]],
  ["/orders", false, ["/orders", "GET", "deny"], ["/orders", "POST", "allow"]],
  ["/shop.Orders/Get", true, ["/shop.Orders/Get", "", "allow"]],
  ["/shop.orders/get", false, ["/shop.Orders/Get", "", "allow"]],
  ["/shop.Orders/Put", true, ["/shop.Orders/*", "", "allow"]],
  ["/shop.Orders/Put", true, ["/shop.Orders/**", "", "allow"]],
  ["/Shop.Orders/Put", false, ["/shop.Orders/**", "", "allow"]],
  ["/shop.Orders/Get", false, ["/shop.Orders/Get", "GET", "deny"]],
  [
    "/shop.Orders/Get",
    false,
    ["/shop.Orders/Get", "GET", "deny"],
    ["/shop.Orders/*", "", "allow"],
  ],
  ["/orders", false, ["/other", "", "allow"]],
])("%s of an app over gRPC: %s by %j", (operation, expected, ...rules) => {
  expect(isAllowed(list(rules), caller, operation, undefined)).toBe(expected);
});
