/** No part of a planted canary appears in a log or an answer, whatever a driver does with the value. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);

const env = component("env", "secretstores.local.env");

const start = (
  type: string,
  property: string,
  value: string,
  rest: Record<string, string> = {},
  options: { version?: string; until?: "nothing" } = {},
) =>
  startDaprd({
    until: options.until ?? "outbound",
    env: { PLANTED: value },
    args: ["--log-level=debug", "--enable-api-logging"],
    resources: {
      "a.yaml": env,
      "b.yaml": component(
        "secretly",
        type,
        { ...rest, [property]: { secret: "PLANTED" } },
        { secretStore: "env", version: options.version },
      ),
    },
  });

const pairs = "host=127.0.0.1 port=9 user=u";
test.each([
  ["connectionString", `${pairs} password=Hello World99Canary dbname=d`],
  ["connectionString", `${pairs} password='Hello World99Canary dbname=d`],
  ["connectionString", `${pairs} sslmode=CanaryMode`],
  ["connectionString", `${pairs} sslrootcert=/no/canary/file`],
  ["connectionString", `${pairs} pool_max_conn_idle_time=canary`],
  ["connectionString", "postgres://u:pa/canary@127.0.0.1:9/d"],
  ["connectionString", "postgres://u:p@a.invalid/canary@127.0.0.1:9/d"],
  ["tableName", "bad table Canary"],
  ["tablePrefix", "bad table Canary", "v2"],
  ["metadataTableName", "bad table Canary"],
  ["timeout", "canary"],
])(
  "a start that fails on state.postgresql %s shows no part of the value: %s",
  async (property, value, version = "v1") => {
    const rest: Record<string, string> =
      property === "connectionString" ? {} : { host: "127.0.0.1", port: "9" };
    const sidecar = await start("state.postgresql", property, value, rest, {
      version,
      until: "nothing",
    });
    expect((await sidecar.exited).code).toBe(1);
    expect(sidecar.messages().at(-1)).toMatch(
      new RegExp(
        `\\[INIT_COMPONENT_FAILURE\\]: initialization error occurred for secretly \\(state\\.postgresql/${version}\\): .* \\(\\S*b\\.yaml:\\d+:\\d+\\)$`,
      ),
    );
    expect(sidecar.output()).not.toMatch(/canary/i);
  },
);

test.each<[string, string, string, Record<string, string>]>([
  ["state.redis", "redisHost", "HostCanary.invalid:6379", {}],
  [
    "state.redis",
    "redisHost",
    "canary-a.invalid:1,canary-b.invalid:2",
    { redisType: "cluster" },
  ],
  [
    "state.postgresql",
    "connectionString",
    "postgres://canaryUser:p%2Fcanary@HostCanary.invalid:5432/canary?sslmode=disable",
    {},
  ],
  [
    "state.postgresql",
    "connectionString",
    "host=canary.invalid user=canaryUser password='p canary' dbname=canary",
    {},
  ],
])(
  "answers while a secret server is away show no part of its address: %s %s %s",
  async (type, property, value, rest) => {
    const sidecar = await start(type, property, value, rest);
    const json = (body: unknown) => ({ body: JSON.stringify(body) });
    const replies = await Promise.all([
      sidecar.call("GET", "/v1.0/state/secretly/k"),
      sidecar.call(
        "POST",
        "/v1.0/state/secretly",
        json([
          { key: "k", value: 1 },
          { key: "l", value: 2 },
        ]),
      ),
      sidecar.call(
        "POST",
        "/v1.0/state/secretly/bulk",
        json({ keys: ["k", "l"] }),
      ),
      sidecar.call("DELETE", "/v1.0/state/secretly/k"),
      sidecar.call(
        "POST",
        "/v1.0/state/secretly/transaction",
        json({
          operations: [
            { operation: "upsert", request: { key: "k", value: 1 } },
            { operation: "delete", request: { key: "l" } },
          ],
        }),
      ),
    ]);
    expect(JSON.stringify(replies)).toContain("can't be reached");
    await sidecar.stop();
    expect(sidecar.output()).toContain("can't be reached");
    expect(JSON.stringify(replies)).not.toMatch(/canary/i);
    expect(sidecar.output()).not.toMatch(/canary/i);
  },
);

const asked = async (
  sidecar: Awaited<ReturnType<typeof start>>,
  requests: [operation: string, metadata: Record<string, string>][],
) => {
  const replies = await Promise.all(
    requests.map(([operation, metadata]) =>
      sidecar.call("POST", "/v1.0/bindings/secretly", {
        body: JSON.stringify({ operation, metadata, data: "x" }),
      }),
    ),
  );
  expect(replies.map(({ status }) => status)).toEqual(requests.map(() => 500));
  await sidecar.stop();
  expect(JSON.stringify(replies)).not.toMatch(/canary/i);
  expect(sidecar.output()).not.toMatch(/canary/i);
};

test("bindings.localstorage does not reveal its folder", async () => {
  const root = join(tempFolder("secret-parts"), "files", "CanaryRoot");
  mkdirSync(join(root, "folder", "inner"), { recursive: true });
  writeFileSync(join(root, "file"), "x");
  const sidecar = await start("bindings.localstorage", "rootPath", root);
  await asked(sidecar, [
    ["get", { fileName: "none" }],
    ["get", { fileName: "folder" }],
    ["create", { fileName: "folder" }],
    ["create", { fileName: "file/x" }],
    ["list", { fileName: "file" }],
    ["delete", { fileName: "none" }],
    ["delete", { fileName: "folder" }],
  ]);
});

test.each([
  "http://user:pw-canary@HostCanary.invalid/canary",
  "http://127.0.0.1:PORT/canary",
])("bindings.http does not reveal %s", async (url) => {
  const [port] = (await freePorts(1)) as [number];
  const value = url.replace("PORT", `${port}`);
  const sidecar = await start("bindings.http", "url", value);
  await asked(sidecar, [
    ["get", {}],
    ["get", { path: "../x" }],
  ]);
});

test("bindings.kafka does not reveal its brokers", async () => {
  const sidecar = await start(
    "bindings.kafka",
    "brokers",
    "HostCanary.invalid:9092,canary-b.invalid:9092",
    { topics: "t", publishTopic: "t", authType: "none" },
  );
  await sidecar.logged("ENOTFOUND");
  await sidecar.stop();
  expect(sidecar.output()).not.toMatch(/canary/i);
});
