import type { Instance } from "../instances/instances.ts";
import { describeApp } from "./describe-app.ts";

const instance = {
  appId: "nodeapp",
  httpPort: 3500,
  grpcPort: 50001,
  appPort: 3000,
  daprdPid: 7,
  startedMs: 1000,
  startedByCli: [8],
} as unknown as Instance;

const base = {
  appId: "nodeapp",
  appPort: 3000,
  httpPort: 3500,
  grpcPort: 50001,
  sidecar: "7",
  created: 1000,
};

test("what the metadata tells", () => {
  expect(
    describeApp(instance, {
      components: [
        {
          name: "pubsub",
          type: "pubsub.sqlite",
          version: "v1",
          capabilities: ["SUBSCRIBE_WILDCARDS"],
        },
        { name: "store", type: "state.redis", version: "v1" },
      ],
      subscriptions: [
        {
          pubsubname: "pubsub",
          topic: "A",
          rules: [{ match: "x", path: "/x" }, { path: "/a" }],
        },
      ],
      extended: {
        appCommand: "node app.js",
        appPID: "8",
        runTemplateName: "shop",
      },
    }),
  ).toEqual({
    ...base,
    command: "node app.js",
    appPid: 8,
    runTemplateName: "shop",
    components: [
      {
        name: "pubsub",
        type: "pubsub.sqlite",
        version: "v1",
        capabilities: ["SUBSCRIBE_WILDCARDS"],
      },
      {
        name: "store",
        type: "state.redis",
        version: "v1",
        capabilities: [],
      },
    ],
    subscriptions: [
      {
        pubsubname: "pubsub",
        topic: "A",
        rules: [{ match: "x", path: "/x" }, { path: "/a" }],
      },
    ],
  });
});

const blank = {
  ...base,
  command: "",
  appPid: 0,
  components: [],
  subscriptions: [],
};

test("a sidecar that does not answer has its command line alone", () => {
  expect(describeApp(instance, undefined)).toEqual(blank);
});

test.each([
  [{ components: "x", subscriptions: 1, extended: [] }],
  [{ components: [null, 1], subscriptions: [null] }],
  [{ extended: { appPID: "1", appCommand: 5 } }],
])("what makes no sense is left out: %j", (metadata) => {
  expect(describeApp(instance, metadata)).toEqual(blank);
});
