/** The graph's parts together: from apps and events to places. */
import type {
  CallEvent,
  DeliveryEvent,
} from "../../../../shared/watch-event.ts";
import type { App } from "../../messages.ts";
import type { Seen } from "../store.ts";
import { Dots, radiusOf } from "./dots.ts";
import { fit, layOut } from "./layout.ts";
import { modelOf, noteUse, nothingUsed, sidecarOf } from "./model.ts";
import { routeOf } from "./route.ts";

const app = (appId: string, sidecar: string, more: Partial<App> = {}): App => ({
  appId,
  sidecar,
  appPort: 3000,
  httpPort: 3500,
  grpcPort: 1,
  command: "",
  created: 0,
  appPid: 0,
  isWatched: true,
  components: ["pubsub.sqlite pubsub", "state.sqlite store"].map((text) => {
    const [type = "", name = ""] = text.split(" ");
    return { name, type, version: "v1", capabilities: [] };
  }),
  subscriptions: [],
  ...more,
});

const apps = [
  app("publisher", "1"),
  app("subscriber", "2", {
    subscriptions: [{ pubsubname: "pubsub", topic: "A", rules: [] }],
  }),
];

const call = (sidecar: string, more: Partial<CallEvent>): Seen => ({
  n: 1,
  appId: "x",
  sidecar,
  event: { type: "call", isError: false, ...more } as CallEvent,
});
const publish = call("1", { block: "pubsub", target: "pubsub", topic: "A" });
const delivery: Seen = {
  n: 2,
  appId: "subscriber",
  sidecar: "2",
  event: {
    type: "delivery",
    from: "pubsub",
    source: "pubsub",
    topic: "A",
    outcome: "success",
  } as DeliveryEvent,
};
const invoke = call("1", { block: "invoke", target: "subscriber" });

const edgesOf = (seen: readonly Seen[]) => {
  const used = nothingUsed();
  const news = seen.map((one) => noteUse(used, one));
  return { model: modelOf(apps, used), news };
};

test("apps share a component of one name; topics come from subscriptions and from what is published", () => {
  const { model } = edgesOf([]);
  expect(model.components).toMatchObject([
    { name: "pubsub", topics: ["A"] },
    { name: "store", topics: [] },
  ]);
  const other = call("1", { block: "pubsub", target: "pubsub", topic: "B" });
  const { model: later, news } = edgesOf([publish, other, publish]);
  expect(news).toEqual([true, true, false]);
  expect(later.components[0]!.topics).toEqual(["A", "B"]);
});

test("an app of another run has components of its own", () => {
  const model = modelOf(
    [...apps, app("x", "3", { runTemplateName: "other" })],
    nothingUsed(),
  );
  expect(model.components.map(({ name }) => name)).toEqual([
    "pubsub",
    "store",
    "pubsub",
    "store",
  ]);
});

test("in a cluster an app ID belongs to a namespace, and so does a component", () => {
  const pod = (namespace: string, name: string) =>
    app("shop", `${namespace}/${name}`, {
      pod: { name, namespace, containers: [] },
    });
  const all = [pod("a", "shop-1"), pod("b", "shop-1"), pod("a", "shop-2")];
  const { components } = modelOf(all, nothingUsed());
  expect(components).toHaveLength(4);
  expect(sidecarOf("shop", "a/shop-1", all)).toBe("a/shop-2");
  expect(sidecarOf("shop", "b/shop-1", all)).toBe("b/shop-1");
  expect(sidecarOf("shop.b", "a/shop-1", all)).toBe("b/shop-1");
  expect(sidecarOf("shop.c", "a/shop-1", all)).toBeUndefined();
});

test("a publish goes from the app to the topic, its delivery from there to the other app", () => {
  const { model } = edgesOf([publish, invoke]);
  const hasEdge = (id: string) => model.edges.some((edge) => edge.id === id);
  expect(routeOf(publish, apps, hasEdge)).toEqual([
    { edge: "1 app", isBack: false },
    { edge: '["1","pubsub","A"]', isBack: false },
  ]);
  expect(routeOf(delivery, apps, hasEdge)).toEqual([
    { edge: '["2","pubsub","A"]', isBack: true },
    { edge: "2 app", isBack: true },
  ]);
  expect(routeOf(invoke, apps, hasEdge)).toEqual([
    { edge: "1 app", isBack: false },
    { edge: "1 peer 2", isBack: false },
  ]);
  const unknown = call("1", { block: "state", target: "gone" });
  expect(routeOf(unknown, apps, hasEdge)).toEqual([
    { edge: "1 app", isBack: false },
  ]);
});

test.each([200, 328, 500, 1200, 3000])(
  "on %d pixels the columns do not overlap, and all is inside",
  (available) => {
    const { model } = edgesOf([publish, invoke]);
    const layout = layOut(model, available);
    const [first, second, third] = layout.columns;
    const boxes = [...layout.boxes.values()];
    const { width } = boxes[0]!;
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first + width).toBeLessThan(second);
    expect(second + width).toBeLessThan(third);
    expect(third + width).toBeLessThanOrEqual(layout.width);
    expect(layout.width).toBe(Math.max(280, available));
    for (const { y, height } of boxes)
      expect(y + height).toBeLessThan(layout.height);
    expect(layout.paths.size).toBe(model.edges.length);
  },
);

test("a graph without components, and one without apps, can be laid out", () => {
  expect(
    layOut(modelOf([app("x", "1", { components: [] })], nothingUsed()), 600)
      .paths.size,
  ).toBe(1);
  expect(layOut(modelOf([], nothingUsed()), 600).boxes.size).toBe(0);
});

test("a text that does not fit is cut", () => {
  expect(fit("pubsub", 100)).toBe("pubsub");
  expect(fit("a-very-long-component-name", 100)).toBe("a-very-lo…");
  expect([...fit("😀".repeat(40), 100)]).toHaveLength(10);
  expect(fit("nodeapp-7c94bd87f4-cjpgd", 100, true)).toBe("…7f4-cjpgd");
});

const steps = [
  { edge: "1 app", isBack: false },
  { edge: "e", isBack: true },
];

test("a dot moves along its edges, and goes", () => {
  const dots = new Dots();
  dots.add(steps, false, 1000);
  // A frame may have begun before.
  expect(dots.places(990)).toEqual([]);
  expect(dots.isEmpty).toBe(false);
  expect(dots.places(1350)).toMatchObject([{ step: steps[0], part: 0.5 }]);
  // Backwards on the second edge.
  expect(dots.places(1700 + 175)).toMatchObject([
    { step: steps[1], part: 0.75 },
  ]);
  expect(dots.places(2400)).toEqual([]);
  expect(dots.isEmpty).toBe(true);
});

test("many at once are one dot with their count; an error stays apart", () => {
  const dots = new Dots();
  for (let n = 0; n < 100; n++) dots.add(steps, false, 1000 + n);
  dots.add(steps, true, 1050);
  dots.add([], false, 1050);
  expect(dots.places(1100).map(({ dot }) => [dot.count, dot.isError])).toEqual([
    [100, false],
    [1, true],
  ]);
  dots.add(steps, false, 1300);
  expect(dots.places(1300)).toHaveLength(3);
  expect(radiusOf(1)).toBeLessThan(radiusOf(100));
  expect(radiusOf(1e9)).toBe(15);
});

test("there are never more than eighty", () => {
  const dots = new Dots();
  for (let n = 0; n < 1000; n++)
    dots.add([{ edge: `e${n}`, isBack: false }], false, 1000);
  expect(dots.places(1000)).toHaveLength(80);
});
