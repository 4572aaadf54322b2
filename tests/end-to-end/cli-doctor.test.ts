/** `dapr doctor` of the shipped CLI. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { tempFolder } from "../support/temp-folder.ts";
import { cli, freePort, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

/** Neither Docker nor kubectl is on this PATH, and no proxy is set. */
const env = {
  DAPR_RUNTIME_PATH: tempFolder("doctor-home"),
  PATH: tempFolder("doctor-path"),
  ...Object.fromEntries(
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map((name) => [
      name,
      "",
    ]),
  ),
};

async function doctor(args: string[] = [], more: Record<string, string> = {}) {
  const run = cli(["doctor", ...args], { cwd: dir, env: { ...env, ...more } });
  return { code: await run.exit, out: run.out, err: run.err };
}

interface Told {
  check: string;
  status: string;
  message: string;
  hint?: string;
}

async function findings(args: string[], more: Record<string, string> = {}) {
  const { code, out, err } = await doctor([...args, "-o", "json"], more);
  expect(err).toBe("");
  return { code, found: JSON.parse(out) as Told[] };
}

/** `name` in a new folder, which is returned. */
function folderWith(files: Record<string, string>): string {
  const folder = tempFolder("doctor-resources");
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), text);
  return folder;
}

const component = (name: string, more = "") =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: ${name}\nspec:\n  type: state.in-memory\n  version: v1\n${more}`;

test("all checks are told in one order, and nothing to put right is exit code 0", async () => {
  const { code, out, err } = await doctor();
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const checks = [...out.matchAll(/^\S+ {2}(\w+): /gm)].map(([, name]) => name);
  expect([...new Set(checks)]).toEqual([
    "Node",
    "Installation",
    "YAML",
    "Sidecars",
    "Ports",
    "Proxies",
    "Certificates",
    "Docker",
    "Kubernetes",
    "mDNS",
  ]);
  expect(out).toContain("ℹ️  Docker: Docker is not installed;");
  expect(out).toContain("ℹ️  Kubernetes: kubectl is not installed;");
  expect(out).toMatch(
    /\n\n(Nothing is wrong\.|0 to put right, \d+ to look at, in this order\.)\n$/,
  );
});

test("what is wrong in YAML is told with file and line, and is exit code 1", async () => {
  const folder = folderWith({
    "a.yaml": component("twin", "scopes: [one, two]\n"),
    "b.yaml": component("twin", "scopes: [two]\n"),
    "c.yaml": "apiVersion: dapr.io/v1alpha1\nkind: Component\n  name: x\n",
    "d.yaml": component("slip").replace("version", "verison"),
    "e.yaml": component("fine", "scopes: [three]\n"),
    "f.yaml": "apiVersion: dapr.io/v1alpha1\nkind: Componnent\n",
    "s.yaml":
      "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: s}\nspec: {topic: t, routes: {default: /t}}\n",
    "r.yaml":
      "apiVersion: dapr.io/v1alpha1\nkind: Resiliency\nmetadata: {name: r}\nspec: {policies: {timeouts: {fast: soon}}}\n",
    "g.yaml":
      "apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata: {name: g}\nspec: {baseUrl: ftp://x}\n",
    "h.yaml":
      "apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata: {name: h}\nspec:\n  baseUrl: http://x\n  headers: [{name: a, secretKeyRef: {name: s, key: k}}]\nauth: {secretStore: none}\n",
  });
  const { code, found } = await findings(["--resources-path", folder]);
  expect(code).toBe(1);
  const yaml = found.filter(({ check }) => check === "YAML");
  const of = (status: string) =>
    yaml.filter((one) => one.status === status).map(({ message }) => message);
  const [
    broken = "",
    endpoint = "",
    resiliency = "",
    subscription = "",
    twins = "",
    ...others
  ] = of("failure");
  expect(resiliency).toContain('Resiliency "r": ');
  expect(resiliency).toContain(`${join(folder, "r.yaml")}:4:`);
  expect(subscription).toContain("it has no spec.pubsubname");
  expect(subscription).toContain(`${join(folder, "s.yaml")}:4:`);
  expect(endpoint).toContain(`${join(folder, "g.yaml")}:4:`);
  expect(others).toEqual([]);
  expect(broken).toContain(`${join(folder, "c.yaml")}:2:7`);
  expect(twins).toContain("two components are named twin");
  expect(twins).toContain(`${join(folder, "b.yaml")}:6:9`);
  const warnings = of("warning").join("\n");
  expect(warnings).toContain("did you mean version?");
  expect(warnings).toContain(`${join(folder, "d.yaml")}:7:3`);
  expect(warnings).toContain("did you mean Component?");
});

test("what the sidecar would refuse or leave out is told without a connection", async () => {
  const of = (name: string, type: string, more: string) =>
    `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: ${name}}\nspec:\n  type: ${type}\n${more}`;
  const folder = folderWith({
    "a.yaml": of("type", "state.rediss", "  version: v1\n"),
    "b.yaml": of(
      "property",
      "state.redis",
      "  version: v1\n  metadata:\n  - {name: redisHostt, value: x}\n",
    ),
    "c.yaml": of("version", "state.redis", "  version: v9\n"),
    "d.yaml": of("absent", "state.mongodb", "  version: v1\n"),
    "e.yaml": of(
      "secret",
      "state.redis",
      "  version: v1\n  metadata:\n  - {name: redisHost, secretKeyRef: {name: s, key: k}}\n",
    ),
    "f.yaml": of("bus", "pubsub.in-memory", "  version: v1\n"),
    "g.yaml":
      "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: s}\nspec: {topic: t, pubsubname: buss, routes: {default: /t}}\n",
    "h.yaml":
      "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: fine}\nspec: {topic: t, pubsubname: bus, routes: {default: /t}}\n",
  });
  const { code, found } = await findings(["--resources-path", folder]);
  expect(code).toBe(1);
  const told = found
    .filter(({ check }) => check === "YAML")
    .map(({ status, message }) => `${status} ${message}`);
  const at = (file: string, place: string) =>
    `(${join(folder, file)}:${place})`;
  expect([...told].sort()).toEqual(
    [
      `failure [CREATE_COMPONENT_FAILURE]: initialization error occurred for type (state.rediss/v1): couldn't find state store state.rediss/v1; did you mean state.redis? ${at("a.yaml", "5:9")}`,
      `failure [INIT_COMPONENT_FAILURE]: initialization error occurred for property (state.redis/v1): missing redisHost ${at("b.yaml", "5:9")}`,
      `warning component property (state.redis/v1): metadata 'redisHostt' is no property of this type and has no effect; did you mean 'redisHost'? ${at("b.yaml", "8:12")}`,
      `failure [CREATE_COMPONENT_FAILURE]: initialization error occurred for version (state.redis/v9): couldn't find state store state.redis/v9; versions of state.redis here: v1 ${at("c.yaml", "5:9")}`,
      `warning component absent (state.mongodb/v1) is left out: its type state.mongodb is Dapr's, but not in this version of the sidecar ${at("d.yaml", "5:9")}`,
      `failure the subscription to topic t waits for pubsub buss, which no component is named; did you mean bus? ${at("g.yaml", "1:1")}`,
    ].sort(),
  );
});

test("components of one name for different apps are none that meet", async () => {
  const folder = folderWith({
    "a.yaml": component("twin", "scopes: [one]\n"),
    "b.yaml": component("twin", "scopes: [two]\n"),
  });
  const { code, found } = await findings(["--resources-path", folder]);
  expect(code).toBe(0);
  expect(found.find(({ check }) => check === "YAML")).toMatchObject({
    status: "ok",
  });
});

test("a missing folder, Configuration or run file is told, and so is a slip in one", async () => {
  const folder = folderWith({
    "config.yaml":
      "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: c}\nspec:\n  secretz: {}\n",
  });
  const at = async (...args: string[]) => {
    const { code, found } = await findings(args);
    return { code, yaml: found.find(({ check }) => check === "YAML")! };
  };
  const config = join(folder, "config.yaml");
  expect(await at("--config", config)).toMatchObject({
    code: 0,
    yaml: { status: "warning", message: expect.stringContaining(":5:3") },
  });
  for (const [flag, path] of [
    ["--config", "none.yaml"],
    ["--resources-path", "none"],
    ["--run-file", "none.yaml"],
  ] as const) {
    const { code, yaml } = await at(flag, path);
    expect({ code, status: yaml.status }).toEqual({
      code: 1,
      status: "failure",
    });
    expect(yaml.message).toContain(path);
  }
});

test("a port of a run file that somebody else has is told, with whose it is", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  mkdirSync(join(dir, "orders"), { recursive: true });
  writeFileSync(
    join(dir, "dapr.yaml"),
    `version: 1\napps:\n  - appDirPath: orders\n    appPort: ${await freePort()}\n    daprHTTPPort: ${port}\n`,
  );
  const { code, found } = await findings(["-f", "dapr.yaml"]);
  server.close();
  expect(code).toBe(1);
  const ports = found.filter(({ check }) => check === "Ports");
  expect(ports).toEqual([
    {
      check: "Ports",
      status: "failure",
      message: expect.stringMatching(
        `^${port}, daprHTTPPort of app "orders", is in use by \\S+ \\(PID ${process.pid}\\)$`,
      ),
      hint: "End that program, or give another port.",
    },
  ]);
});

test("what a run would refuse of a run file's apps is told, and commands that are no programs", async () => {
  mkdirSync(join(dir, "shop"), { recursive: true });
  const [one, two] = [await freePort(), await freePort()];
  const path = join(dir, "refused.yaml");
  writeFileSync(
    path,
    `version: 1
aps: []
apps:
  - {appID: a, appDirPath: shop, appPort: ${one}, daprHTTPPort: ${one}, command: [nosuchprogram]}
  - {appID: b, appDirPath: shop, daprHTTPPort: ${two}, daprGRPCPort: ${two}, command: [./none]}
  - {appID: c, appDirPath: shop, metricsPort: ${two}, logLevel: loud, command: ["${process.execPath}"]}
`,
  );
  const { code, found } = await findings(["-f", path]);
  expect(code).toBe(1);
  const of = (check: string) =>
    found.filter((one) => one.check === check).map(({ message }) => message);
  expect(of("YAML")).toEqual([
    `${path}:2:1: unknown key "aps" in the run file: it is ignored; did you mean "apps"?`,
  ]);
  expect(of("Apps")).toEqual(
    [
      `app "a": invalid configuration for HTTPPort. Port ${one} is the app's own port`,
      `app "a": its command can't run: "nosuchprogram" is no executable file on PATH (${path}:4:`,
      `app "b": invalid configuration for GRPCPort. Port ${two} is not available (${path}:5:`,
      `app "b": its command can't run: ${join(dir, "shop", "none")} is no executable file (${path}:5:`,
      `app "c": invalid log level "loud": `,
      `app "c": invalid configuration for MetricsPort. Port ${two} is not available (${path}:6:`,
    ].map((line) => expect.stringContaining(line)),
  );
});

test("a run file that can't be used is told with its place, and its unknown keys too", async () => {
  const path = join(dir, "unusable.yaml");
  writeFileSync(path, "versoin: 1\ncomon: {}\n");
  const { code, found } = await findings(["-f", path]);
  expect(code).toBe(1);
  expect(
    found
      .filter(({ check }) => check === "YAML")
      .map(
        ({ status, message }) =>
          `${status} ${message.slice(0, path.length + 4)}`,
      ),
  ).toEqual([
    `warning ${path}:1:1`,
    `warning ${path}:2:1`,
    expect.stringMatching(/^failure required field 'version'/),
  ]);
});

test("a sidecar that a `dapr run` looks after is no finding", async () => {
  const id = `doctor-${process.pid}`;
  const port = await freePort();
  const run = cli(
    [
      "run",
      "-a",
      id,
      "--resources-path",
      "resources",
      "--dapr-http-port",
      String(port),
    ],
    { cwd: dir, env },
  );
  await run.prints("You're up and running!");
  const { found } = await findings([]);
  const sidecars = found.filter(({ check }) => check === "Sidecars");
  // One that a `dapr run` looks after is no finding.
  expect(
    sidecars.some(
      ({ status, message }) => status !== "ok" && message.includes(`"${id}"`),
    ),
  ).toBe(false);
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
});

test("the environment's traps are told", async () => {
  const { code, found } = await findings([], {
    HTTP_PROXY: "http://proxy:3128",
    NO_PROXY: "",
    no_proxy: "",
    SSL_CERT_FILE: "/none.pem",
  });
  expect(code).toBe(1);
  const told = (check: string) => found.find((one) => one.check === check);
  expect(told("Proxies")).toMatchObject({ status: "warning" });
  expect(found.filter(({ check }) => check === "Certificates")).toContainEqual(
    expect.objectContaining({
      status: "failure",
      message: expect.stringContaining("/none.pem"),
    }),
  );
});

test("an unknown output format is refused", async () => {
  expect(await doctor(["-o", "xml"])).toMatchObject({
    code: 1,
    err: "❌  An invalid output format was specified.\n",
  });
});
