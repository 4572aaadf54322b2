/** `--config`: what a Configuration changes in a running sidecar (docs/protocol/configuration.md). */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded } from "../support/embedded.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);

const folder = tempFolder("daprd-config");
let written = 0;
const config = (spec: string): string => {
  const file = join(folder, `${++written}.yaml`);
  writeFileSync(file, configuration(spec));
  return `--config=${file}`;
};
const namesOf = async (sidecar: Daprd): Promise<string[]> => {
  const reply = await sidecar.call("GET", "/v1.0/metadata");
  const { components = [] } = reply.json() as {
    components?: { name: string }[];
  };
  return components.map(({ name }) => name);
};

test("a missing file ends the start", async () => {
  const sidecar = await startDaprd({
    until: "nothing",
    args: ["--config=/no/such.yaml"],
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toBe(
    "Fatal error from runtime: error loading configuration: /no/such.yaml does not exist; give --config an existing file or leave it out",
  );
});

test("an access control policy without trust domain and namespace ends the start", async () => {
  const sidecar = await startDaprd({
    until: "nothing",
    args: [config("  accessControl:\n    policies:\n      - appId: a\n")],
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toMatch(
    /^Fatal error from runtime: invalid access control spec\. missing trustdomain for apps: \[a\], missing namespace for apps: \[a\], missing app name on at least one of the app policies: false \(.*:8:\d+\)$/,
  );
});

test("components.deny refuses its types, and components without a version", async () => {
  const sidecar = await startDaprd({
    args: [
      config(
        "  components:\n    deny:\n      - secretstores.local.env\n      - Bindings.localstorage/v1\n",
      ),
    ],
    resources: {
      "a.yaml": component("env", "secretstores.local.env"),
      "b.yaml": component("files", "bindings.localstorage", {
        rootPath: folder,
      }),
      "c.yaml": component(
        "sly",
        "bindings.localstorage",
        { rootPath: folder },
        { version: "v0" },
      ),
      "d.yaml": embedded("orders", {}, { version: '""' }),
      "e.yaml": embedded("kept"),
    },
  });
  expect(await namesOf(sidecar)).toEqual(["kept"]);
  const denied = sidecar
    .messages()
    .filter((line) => line.includes("cannot be loaded"));
  expect(denied).toEqual([
    expect.stringMatching(
      /^component 'env' cannot be loaded because components of type 'secretstores\.local\.env\/v1' are not allowed by the Configuration's components\.deny \(.*a\.yaml:6:\d+\)$/,
    ),
    expect.stringContaining("component 'files' cannot be loaded"),
    expect.stringContaining("component 'sly' cannot be loaded"),
    expect.stringContaining(
      "component 'orders' cannot be loaded because it has no spec.version",
    ),
  ]);
});

/** Other programs of this machine ask each sidecar: `dapr list`, the dashboard. */
const asked = ["GET /v1.0/metadata", "GetMetadata"];

const calls = async (sidecar: Daprd) => {
  await sidecar.call("GET", "/v1.0/healthz");
  await sidecar.call("GET", "/v1.0/secrets/store/name");
  await sidecar.call("POST", "/v1.0/bindings/b", { body: "{}" });
  await sidecar.stop();
  return [
    ...sidecar
      .output()
      .matchAll(/msg="HTTP API Called".* method=("[^"]*"|\S+)/g),
  ]
    .map(([, method]) => method!.replaceAll('"', ""))
    .filter((call) => !asked.includes(call));
};

test("the Configuration can switch API logging on, with obfuscated URLs and without health checks", async () => {
  const logging = (...settings: string[]) =>
    config(
      `  logging:\n    apiLogging:\n${settings.map((line) => `      ${line}: true\n`).join("")}`,
    );
  const open = await calls(
    await startDaprd({ args: [logging("enabled"), "--log-level=error"] }),
  );
  expect(open.slice(-3)).toEqual([
    "GET /v1.0/healthz",
    "GET /v1.0/secrets/store/name",
    "POST /v1.0/bindings/b",
  ]);
  const args = [logging("enabled", "obfuscateURLs", "omitHealthChecks")];
  expect(await calls(await startDaprd({ args }))).toEqual([
    "GetSecret",
    "InvokeBinding",
  ]);
});

test("the flag wins over the Configuration, in both directions", async () => {
  const on = config("  logging: { apiLogging: { enabled: true } }\n");
  const off = config("  logging: { apiLogging: { enabled: false } }\n");
  expect(
    await calls(await startDaprd({ args: [on, "--enable-api-logging=false"] })),
  ).toEqual([]);
  expect(
    await calls(await startDaprd({ args: [off, "--enable-api-logging"] })),
  ).toContain("POST /v1.0/bindings/b");
});

test("several files are merged, and Dapr's usual Configuration is accepted", async () => {
  const resources = join(folder, "more");
  mkdirSync(resources, { recursive: true });
  writeFileSync(
    join(resources, "env.yaml"),
    component("env", "secretstores.local.env"),
  );
  const sidecar = await startDaprd({
    env: { DENIED: "secretstores.local.env" },
    args: [
      `--resources-path=${resources}`,
      config("  components:\n    deny: [bindings.sqlite]\n"),
      config("  components:\n    deny: ['${DENIED}']\n"),
      config(
        '  tracing:\n    samplingRate: "1"\n    zipkin:\n      endpointAddress: http://localhost:9411/api/v2/spans\n',
      ),
    ],
    resources: { "a.yaml": embedded("orders") },
  });
  expect(await namesOf(sidecar)).toEqual(["orders"]);
  expect(sidecar.messages()).toContain(
    "These settings of the Configuration are accepted but not acted upon by this version: tracing",
  );
  expect(sidecar.messages()).not.toContain("loading default configuration");
});
