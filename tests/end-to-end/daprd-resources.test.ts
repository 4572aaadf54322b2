/** Resource folders and start-up errors (spec components §1, api §6.5, §10). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaprd, stopAll, type DaprdOptions } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";

afterEach(stopAll);

const failing = async (options: DaprdOptions) => {
  const sidecar = await startDaprd({ ...options, until: "nothing" });
  const { code } = await sidecar.exited;
  const fatal = sidecar
    .output()
    .split("\n")
    .filter((line) => line.includes("level=fatal"));
  expect(fatal).toHaveLength(1);
  expect(code).toBe(1);
  return sidecar.messages().at(-1)!;
};

const loaded = async (options: DaprdOptions) => {
  const sidecar = await startDaprd(options);
  const reply = await sidecar.call("GET", "/v1.0/metadata", {
    headers: { "dapr-api-token": options.env?.["DAPR_API_TOKEN"] ?? "" },
  });
  const { components = [] } = reply.json() as {
    components?: { name: string }[];
  };
  return { sidecar, names: components.map(({ name }) => name) };
};

test("start-up says what it does in the documented order", async () => {
  const sidecar = await startDaprd({
    until: "ready",
    resources: { "a.yaml": embedded("orders") },
  });
  const expected = [
    "Starting Dapr Runtime -- version ",
    "mTLS is disabled. Skipping certificate request and tls validation",
    "loading default configuration",
    "standalone mode configured",
    "app id: testapp",
    "Loading components…",
    "Component loaded: orders (bindings.sqlite/v1)",
    "All outstanding components processed",
    `API gRPC server is running on port ${sidecar.grpcPort}; in this version it answers each call with Unimplemented: use HTTP`,
    `HTTP server is running on port ${sidecar.port}`,
    "The request body size parameter is: 4194304 bytes",
    "dapr initialized. Status: Running. Init Elapsed ",
  ];
  const seen = expected.map((text) =>
    sidecar.messages().findIndex((line) => line.startsWith(text)),
  );
  expect(seen).not.toContain(-1);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test("documents of a file, other kinds and non-YAML files", async () => {
  const { sidecar, names } = await loaded({
    resources: {
      "all.yaml": `${embedded("one")}\n--- # next\n${embedded("two")}---\nkind: Subscription\napiVersion: dapr.io/v1alpha1\n`,
      "B.YML": embedded("three", { path: "./b.db" }),
      "notes.txt": "hello",
      "sub/four.yaml": embedded("four"),
    },
  });
  expect(names.toSorted()).toEqual(["one", "three", "two"]);
  expect(sidecar.messages()).toContain(
    "A non-YAML file notes.txt was detected, it will not be loaded",
  );
});

test("a bad document is a warning with its place; the others load", async () => {
  const { sidecar, names } = await loaded({
    resources: {
      "a.yaml": `${embedded("one")}---\nkind: [unclosed\n---\n${embedded("two")}`,
    },
  });
  expect(names).toEqual(["one", "two"]);
  expect(sidecar.output()).toMatch(
    /level=warning msg="A document was not loaded: .+ \(.*a\.yaml:\d+:\d+\)"/,
  );
});

test("folders given several times are all read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "daprd-more-"));
  try {
    writeFileSync(join(folder, "more.yaml"), embedded("more"));
    const { names } = await loaded({
      args: [`--resources-path=${folder}`],
      resources: { "a.yaml": embedded("one") },
    });
    expect(names).toEqual(["one", "more"]);
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true });
  }
});

test("a missing folder ends the start and says what to do", async () => {
  expect(await failing({ args: ["--resources-path=/no/such"] })).toBe(
    "Fatal error from runtime: failed to load components: could not read the resources directory /no/such: it does not exist; give an existing folder to --resources-path",
  );
});

test("two components of one name end the start, naming both places", async () => {
  const message = await failing({
    resources: { "a.yaml": embedded("same"), "b.yaml": embedded("same") },
  });
  expect(message).toMatch(
    /duplicate definition of Component name same \(bindings\.sqlite\/v1\) with existing same \(bindings\.sqlite\/v1\) \(.*b\.yaml:6:\d+, .*a\.yaml:6:\d+\)/,
  );
});

test("scopes and namespace decide whom a component is for", async () => {
  const scoped = (app: string) => ({ tail: `scopes:\n  - ${app}\n` });
  const spaced = (name: string, space: string) =>
    embedded(name).replace(
      `name: ${name}`,
      `name: ${name}\n  namespace: ${space}`,
    );
  const { sidecar, names } = await loaded({
    env: { NAMESPACE: "prod" },
    resources: {
      "a.yaml": embedded("mine", {}, scoped("testapp")),
      "b.yaml": embedded("theirs", {}, scoped("other")),
      "c.yaml": spaced("inspace", "prod"),
      "d.yaml": spaced("outspace", "dev"),
    },
  });
  expect(names).toEqual(["mine", "inspace"]);
  const reply = await sidecar.call("POST", "/v1.0/bindings/theirs", {
    body: order(1),
  });
  expect(reply.json()).toMatchObject({
    message:
      "error invoking output binding theirs: couldn't find output binding theirs",
  });
});

test("without NAMESPACE every namespace is read", async () => {
  const { names } = await loaded({
    resources: {
      "a.yaml": embedded("a").replace("name: a", "name: a\n  namespace: dev"),
    },
  });
  expect(names).toEqual(["a"]);
});

const withEnvRef = (name: string) =>
  embedded("orders").replace(
    'publishTopic\n      value: "orders"',
    `publishTopic\n      envRef: ${name}`,
  );

test("envRef takes a value from the environment", async () => {
  const { sidecar, names } = await loaded({
    env: { MY_TOPIC: "fromenv" },
    resources: { "a.yaml": withEnvRef("MY_TOPIC") },
  });
  expect(names).toEqual(["orders"]);
  const reply = await sidecar.call("POST", "/v1.0/bindings/orders", {
    body: order(1),
  });
  expect(reply.status).toBe(204);
});

test.each(["APP_API_TOKEN", "DAPR_API_TOKEN", "OTHER"])(
  "envRef may not read %s",
  async (name) => {
    const secret = "canary-in-the-environment";
    const { sidecar } = await loaded({
      env: { [name]: secret, DAPR_ENV_KEYS: "MY_TOPIC ALSO" },
      resources: { "a.yaml": withEnvRef(name) },
    });
    expect(sidecar.output()).toMatch(
      new RegExp(
        `environment variable \\\\"${name}\\\\" may not be read by metadata \\\\"publishTopic\\\\" \\(.*a\\.yaml:\\d+:\\d+\\)`,
      ),
    );
    expect(sidecar.output()).not.toContain(secret);
  },
);

test("a component whose secret store is not loaded is parked", async () => {
  const manifest = embedded(
    "orders",
    {},
    { tail: "auth:\n  secretStore: vault\n" },
  ).replace(
    'publishTopic\n      value: "orders"',
    "publishTopic\n      secretKeyRef:\n        name: topic",
  );
  const { sidecar, names } = await loaded({
    resources: { "a.yaml": manifest },
  });
  expect(names).toEqual([]);
  await sidecar.logged(
    'component orders (bindings.sqlite/v1) waits for secret store "vault", which is not loaded',
  );
});

test.each([
  [
    "an unknown type",
    { type: "bindings.kafak" },
    /\[CREATE_COMPONENT_FAILURE\]: initialization error occurred for orders \(bindings\.kafak\/v1\): couldn't find binding orders \(bindings\.kafak\/v1\); did you mean bindings\.kafka\? \(.*a\.yaml:6:\d+\)$/,
  ],
  [
    "an unknown category",
    { type: "foo.bar" },
    /\[CREATE_COMPONENT_FAILURE\]: .*: incorrect type foo\.bar; known types: /,
  ],
  [
    "an unknown version",
    { version: "v7" },
    /couldn't find binding orders \(bindings\.sqlite\/v7\)/,
  ],
] as const)("%s ends the start", async (_, more, expected) => {
  const message = await failing({
    resources: { "a.yaml": embedded("orders", {}, more) },
  });
  expect(message).toMatch(
    /^Fatal error from runtime: failed to load components: process component orders error: /,
  );
  expect(message).toMatch(expected);
});

test("missing metadata ends the start with the component's text and the line", async () => {
  const kafka = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: orders
spec:
  type: bindings.kafka
  version: v1
  metadata:
    - name: broker
      value: localhost:9092
    - name: authRequired
      value: "false"
`;
  expect(await failing({ resources: { "a.yaml": kafka } })).toMatch(
    /\[INIT_COMPONENT_FAILURE\]: initialization error occurred for orders \(bindings\.kafka\/v1\): kafka error: missing 'brokers' attribute \(did you mean 'brokers' where it says 'broker'\?\) \(.*a\.yaml:\d+:\d+\)$/,
  );
});

test("ignoreErrors logs the failure and goes on", async () => {
  const { sidecar, names } = await loaded({
    resources: {
      "a.yaml": embedded(
        "bad",
        { partitions: "0" },
        { spec: "  ignoreErrors: true\n" },
      ),
      "b.yaml": embedded("good"),
    },
  });
  expect(names).toEqual(["good"]);
  expect(sidecar.output()).toMatch(
    /level=error msg="Ignoring error processing component: process component bad error: \[INIT_COMPONENT_FAILURE\]/,
  );
});

test("initTimeout bounds an init; an unusable one means 5 s", async () => {
  const message = await failing({
    resources: {
      "a.yaml": embedded("slow", {}, { spec: "  initTimeout: 1us\n" }),
    },
  });
  expect(message).toContain("init timeout for component slow exceeded after");
  const { names } = await loaded({
    resources: {
      "a.yaml": embedded("ok", {}, { spec: "  initTimeout: soon\n" }),
    },
  });
  expect(names).toEqual(["ok"]);
});

test("a taken port is tried for 10 s, then ends the start and says so", async () => {
  const first = await startDaprd();
  const [http, grpc] = await Promise.all([
    failing({ args: [`--dapr-http-port=${first.port}`] }),
    failing({ args: [`--dapr-grpc-port=${first.grpcPort}`] }),
  ]);
  expect(http).toMatch(
    new RegExp(
      `could not listen on port ${first.port}: .*EADDRINUSE.*is another sidecar running there\\? give another port`,
    ),
  );
  expect(grpc).toMatch(
    new RegExp(
      `could not listen on port ${first.grpcPort} for gRPC: .*EADDRINUSE`,
    ),
  );
});

test("a port that becomes free in time is taken; a signal ends the wait", async () => {
  const first = await startDaprd();
  const taken = {
    args: [`--dapr-http-port=${first.port}`],
    until: "nothing" as const,
  };
  const heir = await startDaprd(taken);
  const stopped = await startDaprd(taken);
  await Promise.all(
    [heir, stopped].map((sidecar) => sidecar.logged("is taken; trying for")),
  );
  stopped.child.kill("SIGTERM");
  await stopped.logged("beginning shutdown");
  await first.stop();
  await heir.logged("HTTP server is running on port");
  await heir.stop();
  expect(await stopped.exited).toEqual({ code: 0, signal: null });
});
