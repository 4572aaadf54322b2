/** S11: planted canaries never appear in logs, metadata or errors. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { freePorts } from "../support/ports.ts";
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

test("a running sidecar keeps its secrets to itself, also while its broker is away", async () => {
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
])("a start that fails on %s does not tell values", async (_, items) => {
  const sidecar = await startDaprd({
    until: "nothing",
    resources: { "a.yaml": kafka(9, items) },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.output()).toContain("Fatal error from runtime");
  expect(sidecar.output()).not.toContain("canary");
});

test("a file that is no YAML is not quoted", async () => {
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
