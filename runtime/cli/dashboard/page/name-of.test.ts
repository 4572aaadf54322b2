import type { App } from "../messages.ts";
import { nameOf } from "./name-of.ts";

const app = (appId: string, sidecar: string, namespace?: string) =>
  ({
    appId,
    sidecar,
    ...(namespace ? { pod: { name: sidecar, namespace, containers: [] } } : {}),
  }) as unknown as App;
const names = (...apps: App[]) => apps.map((one) => nameOf(one, apps));

test("an app is called by its ID, and by its process if it has several sidecars", () => {
  expect(names(app("a", "1"), app("b", "2"))).toEqual(["a", "b"]);
  expect(names(app("a", "1"), app("a", "2"))).toEqual(["a (1)", "a (2)"]);
});

test("in a cluster replicas are told apart by their pods, apps of several namespaces by these", () => {
  const two = [app("a", "a-1", "shop"), app("a", "a-2", "shop")];
  expect(names(...two)).toEqual(["a (a-1)", "a (a-2)"]);
  expect(names(...two, app("a", "a-3", "test"))).toEqual([
    "shop / a (a-1)",
    "shop / a (a-2)",
    "test / a",
  ]);
});

test("control characters are escaped", () => {
  expect(names(app("\u001b[2J", "1"))).toEqual(["\\u001b[2J"]);
});
