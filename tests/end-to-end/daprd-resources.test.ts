/** Resource folders and start-up errors (docs/protocol/resources.md). */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { component } from "../support/component.ts";
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

test("the start logs its steps in the documented order", async () => {
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
    `API gRPC server is running on port ${sidecar.grpcPort}`,
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

test("a file may have several documents; other kinds and non-YAML files are not loaded", async () => {
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

test("a bad document is a warning with its place, and the others load", async () => {
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

test("several folders are all read", async () => {
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

test("a missing folder ends the start, and the error says what to do", async () => {
  expect(await failing({ args: ["--resources-path=/no/such"] })).toBe(
    "Fatal error from runtime: failed to load components: could not read the resources directory /no/such: it does not exist; give an existing folder to --resources-path",
  );
});

test("two components with one name end the start, and the error names both places", async () => {
  const message = await failing({
    resources: { "a.yaml": embedded("same"), "b.yaml": embedded("same") },
  });
  expect(message).toMatch(
    /duplicate definition of Component name same \(bindings\.sqlite\/v1\) with existing same \(bindings\.sqlite\/v1\) \(.*b\.yaml:6:\d+, .*a\.yaml:6:\d+\)/,
  );
});

test("scopes and namespace decide which apps get a component", async () => {
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

test("without NAMESPACE components of every namespace are loaded", async () => {
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
    /couldn't find binding orders \(bindings\.sqlite\/v7\); versions of bindings\.sqlite here: v1 \(.*a\.yaml:6:\d+\)$/,
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

test("initTimeout limits an init, and an unusable value means 5 s", async () => {
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

test("a taken port is tried for 10 s, then ends the start with an error", async () => {
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

test("a port that becomes free in time is used, and a signal ends the wait", async () => {
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

test("components of types that only Dapr has are left out, and the errors of requests to them say so", async () => {
  const { sidecar, names } = await loaded({
    resources: {
      "mail.yaml": component("mail", "bindings.twilio.sendgrid", {
        apiKey: "x",
      }),
      "pubsub.yaml": component("pubsub", "pubsub.pulsar", {
        host: "localhost:6650",
      }),
      "secrets.yaml": component("vault", "secretstores.hashicorp.vault"),
      "state.yaml": component("mongo", "state.mongodb", { host: "h" }),
      "works.yaml": component("statestore", "state.in-memory", {
        actorStateStore: "true",
      }),
    },
  });
  expect(names).toEqual(["statestore"]);
  const why = (type: string) =>
    expect.stringMatching(
      `: its type ${type} is Dapr's, but not in this version of the sidecar \\(.*yaml:6:9\\)$`,
    );
  const ask = async (method: string, path: string, body?: string) => {
    const reply = await sidecar.call(method, path, body ? { body } : {});
    return { status: reply.status, ...(reply.json() as object) };
  };
  expect(
    await ask("POST", "/v1.0/bindings/mail", '{"operation":"create"}'),
  ).toEqual({
    status: 500,
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
    message: why("bindings.twilio.sendgrid"),
  });
  expect(await ask("GET", "/v1.0/state/mongo/k")).toMatchObject({
    status: 400,
    errorCode: "ERR_STATE_STORE_NOT_FOUND",
    message: why("state.mongodb"),
  });
  expect(await ask("GET", "/v1.0/secrets/vault/k")).toEqual({
    status: 401,
    errorCode: "ERR_SECRET_STORE_NOT_FOUND",
    message: why("secretstores.hashicorp.vault"),
  });
  expect(await ask("POST", "/v1.0/publish/pubsub/orders", "1")).toMatchObject({
    status: 404,
    errorCode: "ERR_PUBSUB_NOT_FOUND",
    message: why("pubsub.pulsar"),
  });
  const health = await sidecar.call("GET", "/v1.0/healthz/outbound");
  expect(health.status).toBe(204);
  expect(health.headers["dapr-absent-components"]).toBe(
    encodeURI(
      "vault (secretstores.hashicorp.vault/v1), mail (bindings.twilio.sendgrid/v1), pubsub (pubsub.pulsar/v1), mongo (state.mongodb/v1)",
    ),
  );
  expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
  const saved = await sidecar.call("POST", "/v1.0/state/statestore", {
    body: '[{"key":"k","value":1}]',
  });
  expect(saved.status).toBe(204);
});

test("a misspelt key of a component is a warning with its line, and the component loads all the same", async () => {
  const { sidecar, names } = await loaded({
    resources: {
      "a.yaml": `${component("orders", "state.in-memory", { keyPrefx: "none" })}scope:\n  - other\n`,
    },
  });
  expect(names).toEqual(["orders"]);
  const warnings = sidecar.messages().filter((line) => line.includes("orders"));
  expect(warnings).toEqual([
    expect.stringMatching(
      /^component "orders": scope is not a field and has no effect; did you mean scopes\? \(.*a\.yaml:11:1\)$/,
    ),
    expect.stringMatching(
      /^component orders \(state\.in-memory\/v1\): metadata 'keyPrefx' is no property of this type and has no effect; did you mean 'keyPrefix'\? \(.*a\.yaml:9:13\)$/,
    ),
    "Component loaded: orders (state.in-memory/v1)",
  ]);
});

test("a folder and a pipe that are named like files do not hold up the start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "daprd-odd-"));
  try {
    mkdirSync(join(folder, "a.yaml"));
    execFileSync("mkfifo", [join(folder, "b.yaml")]);
    const { sidecar, names } = await loaded({
      args: [`--resources-path=${folder}`],
      resources: { "c.yaml": embedded("good") },
    });
    expect(names).toEqual(["good"]);
    for (const told of [
      "a.yaml was not loaded: it is a folder",
      "b.yaml was not loaded: it is a pipe",
    ])
      expect(sidecar.output()).toContain(told);
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null });
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true });
  }
});

test("a signal ends a start that is still reading files", async () => {
  const heavy = "- 1\n".repeat(20_000) + "- [";
  const files = Array.from({ length: 60 }, (_, i) => `${i}.yaml`);
  const sidecar = await startDaprd({
    resources: Object.fromEntries(files.map((file) => [file, heavy])),
    until: "nothing",
  });
  await sidecar.logged("Loading components…");
  sidecar.child.kill("SIGTERM");
  expect(await sidecar.exited).toEqual({ code: 0, signal: null });
  expect(sidecar.output()).toContain("beginning shutdown");
  expect(sidecar.output()).not.toContain("was not loaded");
});

test.each([
  [
    "--config",
    (pipe: string) => ({ args: [`--config=${pipe}`] }),
    "error loading configuration",
  ],
  [
    "secretsFile",
    (pipe: string) => ({
      resources: {
        "a.yaml": component("s", "secretstores.local.file", {
          secretsFile: pipe,
        }),
      },
    }),
    "secretsFile: ",
  ],
])(
  "a pipe as %s ends the start, and the error says so",
  async (_, options, told) => {
    const folder = mkdtempSync(join(tmpdir(), "daprd-pipe-"));
    try {
      const pipe = join(folder, "pipe.yaml");
      execFileSync("mkfifo", [pipe]);
      const message = await failing(options(pipe));
      expect(message).toContain(told);
      expect(message).toContain(
        `${pipe} can't be read: it is a pipe, not a file`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
