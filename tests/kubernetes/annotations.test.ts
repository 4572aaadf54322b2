/** Wrong annotations on a real cluster: what happens to the pod, and where its user reads why. */
import {
  apply,
  cleanUp,
  dapr,
  eventually,
  install,
  kubectl,
  loadImages,
  yaml,
} from "./cluster.ts";
import { annotated, idleApp } from "./idle-app.ts";
import { containersOf, podsIn } from "./pods.ts";

const pods = podsIn("dapr-annotations");
let image: string;

beforeAll(() => {
  image = loadImages();
  install();
  kubectl(["create", "namespace", pods.namespace]);
}, 600_000);

afterAll(() => {
  cleanUp(pods.namespace);
});

const deploy = (name: string, annotations: Record<string, string> = {}) =>
  apply(yaml(idleApp(pods.namespace, name, image, annotations)));
const events = () =>
  pods.kubectl(["get", "events", "-o", "jsonpath={.items[*].message}"]);
const told = (text: string) =>
  eventually(`"${text}" in an event`, () => events().includes(text));

test("values that cannot be read are ignored, and the sidecar's log names them", async () => {
  deploy(
    "passed-over",
    annotated("passed-over", {
      "app-port": "abc",
      "grpc-port": "70000",
      "sidecar-memory-limit": "lots",
      "enable-api-logging": "treu",
      env: "broken",
      "app-prot": "3000",
    }),
  );
  await pods.ready("passed-over");
  const log = pods.log("passed-over", "daprd");
  expect(log).toContain(`dapr.io/app-port: \\"abc\\" is not a whole number`);
  expect(log).toContain(`dapr.io/grpc-port: \\"70000\\" is not a port`);
  expect(log).toContain(
    `dapr.io/sidecar-memory-limit: \\"lots\\" is not a quantity`,
  );
  expect(log).toContain(`dapr.io/enable-api-logging: \\"treu\\" is neither`);
  expect(log).toContain(
    "dapr.io/app-prot is not known, so it has no effect; did you mean dapr.io/app-port?",
  );
  expect(log).toContain(`dapr.io/env: \\"broken\\" is not NAME=VALUE`);
});

test.each([
  ["log-level", "loud", "undefined log output level: loud"],
  ["app-protocol", "pigeon", 'invalid argument "pigeon" for "--app-protocol"'],
  ["max-body-size", "big", '"big" is not a size such as 4Mi'],
])(
  "%s %s ends the sidecar, with the reason in its status",
  async (name, value, reason) => {
    deploy(name, annotated(name, { [name]: value }));
    await eventually(`the reason "${reason}"`, () => {
      const [pod] = pods.of(name);
      const daprd = pod?.status.containerStatuses?.find(
        ({ name }) => name === "daprd",
      );
      return daprd?.lastState.terminated?.message?.includes(reason);
    });
    expect(pods.of(name).some(pods.isReady)).toBe(false);
    pods.kubectl(["delete", "deployment", name]);
  },
);

test("values that Kubernetes refuses, and an invalid app ID, are refused with an event", async () => {
  deploy(
    "request",
    annotated("request", {
      "sidecar-memory-request": "64Mi",
      "sidecar-memory-limit": "32Mi",
    }),
  );
  deploy("bad-id", annotated("Bad.Id"));
  await told("must be less than or equal to memory limit");
  await told(`"Bad.Id" can't be an app id`);
  expect([...pods.of("request"), ...pods.of("bad-id")]).toEqual([]);
});

test("enabled with another value than true adds no sidecar, and the operator says so", async () => {
  deploy("yes", { ...annotated("yes"), "dapr.io/enabled": "yes" });
  const [pod] = await pods.when("yes", 1);
  await eventually("the operator to say so", () =>
    kubectl([
      "-n",
      "dapr-system",
      "logs",
      "-l",
      "app=dapr-operator",
      "--tail=-1",
    ]).includes(
      'because dapr.io/enabled is \\"yes\\": only \\"true\\" adds one',
    ),
  );
  expect(containersOf(pod)).toBe("app");
  expect(pods.of("yes").map(({ metadata }) => metadata.uid)).toEqual([
    pod?.metadata.uid,
  ]);
});

test("the operator's log names a misspelt annotation that leaves a Deployment without sidecars", async () => {
  deploy("slip", { "dapr.io/enable": "true", "dapr.io/app-id": "slip" });
  await eventually("the operator to say so", () =>
    kubectl([
      "-n",
      "dapr-system",
      "logs",
      "-l",
      "app=dapr-operator",
      "--tail=-1",
    ]).includes("annotation dapr.io/enable is not known"),
  );
});

test("dapr annotate gives a running Deployment its sidecar, and refuses a port that is no number", async () => {
  deploy("plain");
  const [before] = await pods.when("plain", 1);
  expect(containersOf(before)).toBe("app");
  const manifest = pods.kubectl(["get", "deployment", "plain", "-o", "yaml"]);
  const annotate = (...flags: string[]) =>
    dapr(["annotate", "-k", "-a", "plain", ...flags, "-"], manifest);
  expect(() => annotate("--app-port", "abc")).toThrow(
    'invalid argument "abc" for "-p, --app-port" flag',
  );
  apply(annotate("--log-level", "debug"));
  const after = await pods.ready("plain");
  expect(containersOf(after)).toBe("app,daprd");
  await pods.logged("plain", "daprd", "Log level set to: debug");
});
