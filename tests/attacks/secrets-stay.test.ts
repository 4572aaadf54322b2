/** Planted canaries never appear in logs, metadata or errors. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

afterEach(stopAll);

const kafka = (port: number, items: string) => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: secured
spec:
  type: bindings.kafka
  version: v1
  metadata:
    - name: brokers
      value: 127.0.0.1:${port}
    - name: topics
      value: t
    - name: publishTopic
      value: t
    - name: consumerGroup
      value: g
${items}`;
const item = (name: string, value: string) =>
  `    - name: ${name}\n      ${value}\n`;

test("a running sidecar reveals no secret, also while its broker is away", async () => {
  const [broker] = (await freePorts(1)) as [number];
  const sidecar = await startDaprd({
    env: {
      DAPR_API_TOKEN: "canary-1-api",
      APP_API_TOKEN: "canary-2-app",
      SASL_SECRET: "canary-3-sasl",
    },
    args: ["--log-level=debug", "--enable-api-logging"],
    resources: {
      "a.yaml": kafka(
        broker,
        item("authType", "value: password") +
          item("saslUsername", "value: user") +
          item("saslPassword", "envRef: SASL_SECRET"),
      ),
      "b.yaml": embedded(),
    },
  });
  const headers = { "dapr-api-token": "canary-1-api" };
  const replies = [
    await sidecar.call("GET", "/v1.0/metadata", { headers }),
    await sidecar.call("GET", "/v1.0/metadata"),
    await sidecar.call("POST", "/v1.0/bindings/orders", {
      headers,
      body: order("canary-4-data"),
    }),
    await sidecar.call("POST", "/v1.0/bindings/orders", {
      headers,
      body: '{"operation":"create","data":"canary-5-broken}',
    }),
    await sidecar.call("PUT", "/v1.0/metadata/k?q=canary-6-query", {
      headers,
      body: "v",
    }),
  ];
  await waitFor("a line about the missing broker", () =>
    sidecar.output().includes(`127.0.0.1:${broker}`),
  );
  expect(JSON.stringify(replies)).not.toMatch(/canary-[123]/);
  await sidecar.stop();
  expect(sidecar.output()).not.toContain("canary");
});

test.each([
  [
    "an unknown mechanism",
    item("saslPassword", 'value: "canary-value"') +
      item("authType", "value: nonsense"),
  ],
  [
    "a broken certificate",
    item("authType", "value: mtls") +
      item("caCert", 'value: "canary-value"') +
      item("clientCert", 'value: "canary-value"') +
      item("clientKey", 'value: "canary-value"'),
  ],
  [
    "a missing user",
    item("authType", "value: password") +
      item("saslPassword", 'value: "canary-value"'),
  ],
  [
    "the same key twice",
    item("saslPassword", 'value: "canary-value"') +
      item("SASLPASSWORD", 'value: "canary-value"'),
  ],
])("a start that fails on %s reveals no value", async (_, items) => {
  const sidecar = await startDaprd({
    until: "nothing",
    resources: { "a.yaml": kafka(9, items) },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.output()).toContain("Fatal error from runtime");
  expect(sidecar.output()).not.toContain("canary");
});

test("the error about a file that is no YAML does not quote it", async () => {
  const text = "saslPassword: canary-value\n  : [broken canary-value";
  const sidecar = await startDaprd({ resources: { "a.yaml": text } });
  await sidecar.logged("A document was not loaded");
  expect(readFileSync(join(sidecar.resources, "a.yaml"), "utf8")).toBe(text);
  expect(sidecar.output()).not.toContain("canary");
});

test("flags and environment are not printed", async () => {
  const sidecar = await startDaprd({
    env: { DAPR_API_TOKEN: "canary-1" },
    args: ["--log-level=debug", "--allowed-origins=https://canary.example"],
  });
  await sidecar.stop();
  expect(sidecar.output()).not.toContain("canary");
});

/** A component whose `property` comes from the secret CANARY. */
const secretly = (
  type: string,
  property: string,
  rest: Record<string, string> = {},
): string =>
  component(
    "secretly",
    type,
    { ...rest, [property]: { secret: "CANARY" } },
    { secretStore: "env" },
  );
const env = component("env", "secretstores.local.env");

test.each([
  ["no number", "bindings.sqlite", "partitions", "canary-value"],
  ["no size", "bindings.sqlite", "maxSize", "canary-value"],
  ["no duration", "bindings.sqlite", "retention", "canary-value"],
  ["no choice", "bindings.sqlite", "initialOffset", "canary-value"],
  ["no schedule", "bindings.cron", "schedule", "canary-value * * * *"],
  ["no URL", "bindings.http", "url", "canary-value"],
  ["a URL of another kind", "bindings.http", "url", "ftp://u:canary@h/"],
  ["no certificate", "bindings.http", "MTLSRootCA", "canary-value"],
  ["no file", "secretstores.local.file", "secretsFile", "/canary/value"],
  ["no kubeconfig", "secretstores.kubernetes", "kubeconfigPath", "/canary"],
  ["no folder", "bindings.localstorage", "rootPath", "/proc/canary-value"],
  ["no login", "bindings.kafka", "authType", "canary-value"],
  ["no Redis", "state.redis", "redisHost", "canary-value:x"],
  ["no table", "state.postgresql", "tableName", "canary value"],
  ["no prefix", "state.in-memory", "keyPrefix", "canary||Value"],
])(
  "a secret that is %s is not revealed (%s, %s)",
  async (_, type, property, value) => {
    const rest: Record<string, Record<string, string>> = {
      "bindings.sqlite": { topics: "t", path: "./queue.db" },
      "bindings.http": { url: "http://127.0.0.1" },
      "bindings.kafka": { brokers: "127.0.0.1:9" },
      "state.postgresql": { host: "127.0.0.1" },
    };
    const sidecar = await startDaprd({
      until: "nothing",
      env: { CANARY: value },
      args: ["--log-level=debug"],
      resources: {
        "a.yaml": env,
        "b.yaml": secretly(type, property, rest[type]),
      },
    });
    expect((await sidecar.exited).code).toBe(1);
    expect(sidecar.messages().at(-1)).toContain(
      `initialization error occurred for secretly (${type}/v1): `,
    );
    expect(sidecar.output()).not.toContain("canary");
  },
);

test.each([
  ["state.redis", { redisHost: "127.0.0.1:PORT", redisPassword: "canary-1" }],
  [
    "state.redis",
    {
      redisHost: "127.0.0.1:PORT",
      redisUsername: "u",
      redisPassword: "canary 2",
    },
  ],
  [
    "state.postgresql",
    { connectionString: "postgres://u:canary%203@127.0.0.1:PORT/db" },
  ],
  [
    "state.postgresql",
    { connectionString: "host=127.0.0.1 port=PORT user=u password='canary 4'" },
  ],
  [
    "state.postgresql",
    { connectionString: "postgres://u:canary/5@127.0.0.1:PORT/db" },
  ],
])(
  "while its server is away, %s with %j does not reveal its password",
  async (type, metadata) => {
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await startDaprd({
      until: "nothing",
      args: ["--log-level=debug"],
      resources: {
        "a.yaml": component(
          "store",
          type,
          Object.fromEntries(
            Object.entries(metadata).map(([key, value]) => [
              key,
              value.replace("PORT", `${port}`),
            ]),
          ),
          { spec: "  initTimeout: 2s\n" },
        ),
      },
    });
    await sidecar.logged("store");
    await waitFor(
      "an end or a line about the server",
      () =>
        sidecar.child.exitCode !== null ||
        /127\.0\.0\.1|ECONNREFUSED/.test(sidecar.output()),
    );
    sidecar.child.kill("SIGTERM");
    await sidecar.exited;
    expect(sidecar.output()).toMatch(/store \(state\./);
    expect(sidecar.output()).not.toContain("canary");
  },
);

test("a secret is in the answer to a request for it, and nowhere else", async () => {
  const folder = tempFolder("secrets-stay");
  const secretsFile = join(folder, "secrets.json");
  writeFileSync(
    secretsFile,
    '{"asked":"canary-asked","kept":"canary-kept","used":"http://127.0.0.1:9/canary-used"}',
  );
  const config = join(folder, "config.yaml");
  writeFileSync(
    config,
    configuration(
      "  secrets:\n    scopes:\n      - storeName: vault\n        deniedSecrets: [kept, $NAME]\n",
    ),
  );
  const sidecar = await startDaprd({
    args: [`--config=${config}`, "--log-level=debug", "--enable-api-logging"],
    env: { NAME: "canary-name" },
    resources: {
      "a.yaml": component("vault", "secretstores.local.file", { secretsFile }),
      "b.yaml": component(
        "web",
        "bindings.http",
        { url: { secret: "used" } },
        { secretStore: "vault" },
      ),
    },
  });
  const get = (path: string) => sidecar.call("GET", path);
  expect((await get("/v1.0/secrets/vault/asked")).text).toContain(
    "canary-asked",
  );
  const replies = [
    await get("/v1.0/secrets/vault/kept"),
    await get("/v1.0/secrets/vault/unknown"),
    await get("/v1.0/metadata"),
    await get("/v1.0/healthz"),
    await sidecar.call("POST", "/v1.0/bindings/web", {
      body: '{"operation":"get"}',
    }),
    await sidecar.call("POST", "/v1.0/bindings/web", {
      body: '{"operation":"nonsense"}',
    }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([
    403, 500, 200, 204, 500, 500,
  ]);
  expect(JSON.stringify(replies)).not.toContain("canary");
  await sidecar.stop();
  expect(sidecar.output()).not.toContain("canary");
});
