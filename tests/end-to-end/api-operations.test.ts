/** Health, metadata, the public port and the API log (docs/protocol/http-api.md). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration } from "../support/component.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { embedded } from "../support/embedded.ts";
import { call } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

test("healthz waits for the app, and healthz/outbound does not", async () => {
  const [port] = await freePorts(1);
  const sidecar = await startDaprd({ appPort: port });
  const early = await sidecar.call("GET", "/v1.0/healthz");
  expect(early.status).toBe(500);
  expect(early.json()).toEqual({
    errorCode: "ERR_HEALTH_NOT_READY",
    message: expect.stringMatching(/^dapr is not ready: \[.+\]$/),
  });
  expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
    204,
  );
  await startApp(undefined, port);
  await waitFor("the sidecar to find its app", async () => {
    const reply = await sidecar.call("GET", "/v1.0/healthz");
    return reply.status === 204 && reply.text === "";
  });
});

test("healthz compares the app ID of the request", async () => {
  const sidecar = await startDaprd({ until: "ready" });
  const ask = (query: string) => sidecar.call("GET", `/v1.0/healthz${query}`);
  expect((await ask("?appid=testapp")).status).toBe(204);
  expect((await ask("?appid=")).status).toBe(204);
  const other = await ask("?appid=other");
  expect(other.status).toBe(500);
  expect(other.json()).toEqual({
    errorCode: "ERR_HEALTH_APPID_NOT_MATCH",
    message: "dapr app-id does not match",
  });
});

test("metadata lists components and the app, and PUT adds to it", async () => {
  const file = join(tempFolder("operations"), "config.yaml");
  writeFileSync(
    file,
    configuration(
      "  features:\n    - {name: One, enabled: true}\n    - {name: Two, enabled: false}\n",
    ),
  );
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    args: [
      "--enable-app-health-check",
      "--app-max-concurrency=3",
      `--config=${file}`,
    ],
    resources: {
      "c.yaml": component("vault", "secretstores.local.env"),
      "a.yaml": embedded("both"),
      "b.yaml": embedded("out", { direction: "output" }),
    },
  });
  expect(
    (await sidecar.call("PUT", "/v1.0/metadata/cliPID", { body: "123" }))
      .status,
  ).toBe(204);
  expect(
    (await sidecar.call("PUT", "/v1.0/metadata/__proto__", { body: "x" }))
      .status,
  ).toBe(204);
  const reply = await sidecar.call("GET", "/v1.0/metadata");
  expect(reply.status).toBe(200);
  expect(reply.headers["content-type"]).toMatch(/^application\/json/);
  const metadata = reply.json() as Record<string, unknown>;
  expect(metadata).toMatchObject({
    id: "testapp",
    runtimeVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
    components: [
      // An empty list of capabilities is left out.
      { name: "vault", type: "secretstores.local.env", version: "v1" },
      {
        name: "both",
        type: "bindings.sqlite",
        version: "v1",
        capabilities: ["INPUT_BINDING", "OUTPUT_BINDING"],
      },
      {
        name: "out",
        type: "bindings.sqlite",
        version: "v1",
        capabilities: ["OUTPUT_BINDING"],
      },
    ],
    extended: { cliPID: "123" },
    enabledFeatures: ["One"],
    actorRuntime: {
      runtimeStatus: "DISABLED",
      hostReady: false,
      placement: "placement: disconnected",
    },
    appConnectionProperties: {
      port: app.port,
      protocol: "http",
      channelAddress: "127.0.0.1",
      maxConcurrency: 3,
      health: {
        healthCheckPath: "/healthz",
        healthProbeInterval: "5s",
        healthProbeTimeout: "500ms",
        healthThreshold: 3,
      },
    },
  });
  expect(
    Object.getOwnPropertyDescriptor(metadata["extended"], "__proto__")?.value,
  ).toBe("x");
});

test.each([["POST"], ["DELETE"]])(
  "%s does not write metadata",
  async (method) => {
    const sidecar = await startDaprd();
    const reply = await sidecar.call(method, "/v1.0/metadata/key", {
      body: "1",
    });
    expect(reply.status).toBe(404);
    expect(reply.json()).toMatchObject({
      errorCode: "ERR_DIRECT_INVOKE",
      message: expect.stringContaining("the path takes PUT"),
    });
  },
);

test("a metadata value over the body limit gets 400 ERR_BODY_READ", async () => {
  const sidecar = await startDaprd({ args: ["--max-body-size=1Ki"] });
  const reply = await sidecar.call("PUT", "/v1.0/metadata/key", {
    body: "x".repeat(1025),
  });
  expect(reply.status).toBe(400);
  expect(reply.json()).toEqual({
    errorCode: "ERR_BODY_READ",
    message: "failed to read request body: stream too large",
  });
});

test("the public port serves health and metadata without a token, and nothing else", async () => {
  const [port] = (await freePorts(1)) as [number];
  const sidecar = await startDaprd({
    args: [`--dapr-public-port=${port}`],
    env: { DAPR_API_TOKEN: "secret-token" },
    until: "ready",
  });
  for (const path of ["/v1.0/healthz", "/v1.0/healthz/outbound"])
    expect((await call(port, "GET", path)).status).toBe(204);
  expect((await call(port, "GET", "/v1.0/metadata")).json()).toMatchObject({
    id: "testapp",
  });
  const foreign = await call(port, "GET", "/v1.0/metadata", {
    headers: { host: "evil.example" },
  });
  expect(foreign.status).toBe(403);
  const large = await call(port, "GET", `/v1.0/metadata?${"x".repeat(9000)}`);
  expect(large.status).toBe(431);
  for (const [method, path] of [
    ["PUT", "/v1.0/metadata/k"],
    ["POST", "/v1.0/shutdown"],
    ["POST", "/v1.0/bindings/orders"],
    ["GET", "/"],
  ] as const) {
    const reply = await call(port, method, path);
    expect({ status: reply.status, text: reply.text }).toEqual({
      status: 404,
      text: "404 page not found\n",
    });
  }
  expect((await sidecar.call("GET", "/v1.0/metadata")).status).toBe(401);
});

test("the API log has a line for each answered call, whatever the log level", async () => {
  const sidecar = await startDaprd({
    args: ["--enable-api-logging", "--log-level=error"],
    env: { DAPR_API_TOKEN: "secret-token" },
  });
  const headers = {
    "dapr-api-token": "secret-token",
    "user-agent": 'me "x"\\',
  };
  await sidecar.call("POST", "/v1.0/bindings/no?a=secret-query", {
    headers,
    body: "{}",
  });
  await sidecar.call("GET", "/v1.0/metadata"); // refused: no token
  const line = await waitFor("the API line", () =>
    sidecar
      .output()
      .split("\n")
      .find((text) => text.includes("/v1.0/bindings/no")),
  );
  expect(line).toMatch(
    /^time="[^"]+" level=info msg="HTTP API Called" app_id=testapp code=500 duration=\d+ instance=\S+ method="POST \/v1\.0\/bindings\/no" scope=dapr\.runtime\.http-info size=\d+ type=log useragent="me \\"x\\"\\\\" ver=\S+$/,
  );
  await sidecar.stop();
  expect(sidecar.output()).not.toContain("/v1.0/metadata");
  expect(sidecar.output()).not.toMatch(/secret-(token|query)/);
});

test("without the flag no call is logged", async () => {
  const sidecar = await startDaprd({ args: ["--log-level=debug"] });
  await sidecar.call("GET", "/v1.0/metadata");
  await sidecar.stop();
  expect(sidecar.output()).not.toContain("API Called");
});
