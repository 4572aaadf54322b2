/** `startSidecar`, the test API of the package: when it is ready, what it takes, and what it says of what it can't take. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  startSidecar,
  type Component,
  type Sidecar,
  type SidecarError,
  type SidecarOptions,
} from "../../runtime/testing/index.cjs";
import { component, configuration } from "../support/component.ts";
import { call } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";
import { cli, gone } from "./cli-process.ts";

const running = new Set<Sidecar>();
afterEach(async () => {
  await Promise.all([...running].map((sidecar) => sidecar.stop()));
  running.clear();
  await closeApps();
});

/** An app has all the time that it needs on a busy machine. */
async function start(options: SidecarOptions = {}): Promise<Sidecar> {
  const sidecar = await startSidecar({ appTimeoutMs: 600_000, ...options });
  running.add(sidecar);
  return sidecar;
}

/** What it rejects with. */
const refusal = (options: SidecarOptions): Promise<SidecarError> =>
  startSidecar(options).then(
    () => {
      throw new Error("the sidecar started");
    },
    (error: SidecarError) => error,
  );

const memoryStore = (name: string): Component => ({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name },
  spec: { type: "state.in-memory", version: "v1" },
});
const subscriptions = JSON.stringify([
  { pubsubname: "bus", topic: "orders", route: "orders" },
]);
const json = { "content-type": "application/json" };
const loaded = async ({ httpPort }: Sidecar): Promise<string[]> => {
  const answer = await call(httpPort, "GET", "/v1.0/metadata");
  const { components = [] } = answer.json() as {
    components?: { name: string }[];
  };
  return components.map(({ name }) => name).sort();
};

test("it is ready once the app's topics are read, so that the first message arrives", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const app = await startApp(async ({ path }) => {
    if (path !== "/dapr/subscribe") return { status: 200 };
    asked.resolve();
    await answer.promise;
    return { status: 200, headers: json, body: subscriptions };
  });
  const [httpPort] = await freePorts(1);
  let isReady = false;
  const starting = start({
    appPort: app.port,
    httpPort,
    components: component("bus", "pubsub.in-memory"),
  });
  void starting.then(() => (isReady = true));
  await asked.promise;
  await waitFor("the sidecar to be initialized", async () => {
    const { status } = await call(httpPort!, "GET", "/v1.0/healthz");
    return status === 204;
  });
  expect(isReady).toBe(false);
  answer.resolve();
  const sidecar = await starting;
  expect(sidecar.httpEndpoint).toBe(`http://127.0.0.1:${httpPort}`);
  // This bus keeps no message for a later reader.
  await call(sidecar.httpPort, "POST", "/v1.0/publish/bus/orders", {
    headers: json,
    body: '{"n":1}',
  });
  await waitFor("the message", () =>
    app.posts().some(({ path }) => path === "/orders"),
  );
});

test("sidecars of one process find each other, and no variable of another sidecar counts", async () => {
  process.env["DAPR_API_TOKEN"] = "of another sidecar";
  try {
    const app = await startApp(() => ({ status: 200, body: "from the app" }));
    await start({ appId: "called", appPort: app.port });
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.appId).not.toBe(two.appId);
    const answer = await call(
      one.httpPort,
      "GET",
      "/v1.0/invoke/called/method/x",
    );
    expect(answer.text).toBe("from the app");
    expect(one.grpcPort).toBeGreaterThan(0);
  } finally {
    delete process.env["DAPR_API_TOKEN"];
  }
});

test("components are texts, paths, objects or folders; a configuration too", async () => {
  const folder = tempFolder("start-sidecar");
  const file = join(folder, "two.yaml");
  writeFileSync(file, component("two", "state.in-memory"));
  const resources = tempFolder("start-sidecar");
  writeFileSync(
    join(resources, "four.yaml"),
    component("four", "state.in-memory"),
  );
  const sidecar = await start({
    components: [
      component("one", "state.in-memory"),
      file,
      memoryStore("three"),
    ],
    resourcesPath: resources,
    configuration: configuration(
      "  logging:\n    apiLogging:\n      enabled: true\n",
    ),
    args: ["--max-body-size=1Mi"],
  });
  expect(await loaded(sidecar)).toEqual(["four", "one", "three", "two"]);
  await waitFor("the log of the call", () =>
    sidecar.logs.some((line) => line.includes("HTTP API Called")),
  );
  expect(sidecar.logs.join("\n")).toContain("1048576 bytes");
  const single = await start({
    components: memoryStore("single"),
    configuration: {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { name: "c" },
      spec: { features: [{ name: "Own", enabled: true }] },
    },
    env: { DAPR_API_TOKEN: "secret" },
  });
  const answer = await call(single.httpPort, "GET", "/v1.0/metadata", {
    headers: { "dapr-api-token": "secret" },
  });
  expect(answer.json()).toMatchObject({
    enabledFeatures: ["Own"],
    components: [{ name: "single" }],
  });
});

test.each<[string, SidecarOptions, RegExp]>([
  [
    "a misspelt setting",
    {
      components: component("s", "state.sqlite", { connectionStrin: "x" }),
    },
    /^the sidecar of app "a" did not start: .*did you mean 'connectionString'.* \(components\[0\]:\d+:\d+\)$/,
  ],
  [
    "an unknown type",
    { components: [memoryStore("s"), component("t", "state.nothing")] },
    /couldn't find state store state\.nothing\/v1; .*\(components\[1\]:6:/,
  ],
  [
    "what is no YAML",
    { components: ["kind: [\n"] },
    /did not start: A document was not loaded: .*\(components\[0\]:/,
  ],
  [
    "a file that is not there",
    { components: "nowhere.yaml" },
    /components\[0\], a text of one line and so the path of a file, could not be read: .*nowhere\.yaml/,
  ],
  [
    "a folder that is not there",
    { resourcesPath: "./nowhere" },
    /could not read the resources directory \.\/nowhere: it does not exist/,
  ],
  [
    "a wrong configuration",
    { configuration: configuration("  logging: 3\n") },
    /spec\.logging must be a map of settings \(configuration:6:/,
  ],
  [
    "a flag that does not exist",
    { args: ["--nope"] },
    /did not start: daprd: unknown flag: --nope/,
  ],
])("%s is told with its place", async (_, options, message) => {
  const error = await refusal({ appId: "a", ...options });
  expect(error.name).toBe("SidecarError");
  expect(error.message).toMatch(message);
});

test("a slip in an option names the right one", async () => {
  const slip = { componets: [] } as SidecarOptions;
  expect((await refusal(slip)).message).toBe(
    'startSidecar: there is no option "componets"; did you mean "components"?',
  );
});

test("an option of the wrong kind starts no sidecar", async () => {
  const wrong = [null, { appPort: -1 }, { appPort: "3000" }] as unknown[];
  for (const options of wrong)
    expect((await refusal(options as SidecarOptions)).message).toMatch(
      /^startSidecar.* (this is null|is -1; give a port|is "3000"; give a port)/,
    );
});

test("an app that does not listen is told with its port, unless it is not waited for", async () => {
  const [nobody] = await freePorts(1);
  const absent = await refusal({ appPort: nobody!, appTimeoutMs: 1 });
  expect(absent.message).toMatch(
    new RegExp(`is up, but nothing listens on port ${nobody} after 1 ms: `),
  );
  const early = await start({ appPort: nobody!, waitForApp: false });
  expect((await call(early.httpPort, "GET", "/v1.0/metadata")).status).toBe(
    200,
  );
});

test("stop() leaves nothing, may be called twice, and tells of an end that was not good", async () => {
  const sidecar = await startSidecar({ appId: uniqueId() });
  const { folder } = findProcess(sidecar.appId);
  await Promise.all([sidecar.stop(), sidecar[Symbol.asyncDispose]()]);
  expect(existsSync(folder)).toBe(false);
  await expect(call(sidecar.httpPort, "GET", "/")).rejects.toThrow();

  const killed = await startSidecar({ appId: uniqueId() });
  process.kill(findProcess(killed.appId).pid, "SIGKILL");
  await expect(killed.stop()).rejects.toMatchObject({
    name: "SidecarError",
    message: `the sidecar of app "${killed.appId}" did not end well (ended by SIGKILL)`,
  });
});

test("`dapr doctor` knows that it will end with its tests", async () => {
  const { appId } = await start({ appId: uniqueId() });
  const run = cli(["doctor", "-o", "json"]);
  await run.exit;
  const findings = JSON.parse(run.out) as { status: string; message: string }[];
  expect(
    findings.filter(({ message }) => message.includes(appId)),
  ).toMatchObject([{ status: "note", message: expect.any(String) as string }]);
});

const uniqueId = () => `app-${randomUUID()}`;

/** By the sidecar's file in the registry of its test process: `NAMESPACE+APP+PID-PORT.json`. */
function findProcess(appId: string): { pid: number; folder: string } {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith("dapr-testing-")) continue;
    const folder = join(tmpdir(), name);
    const registry = join(folder, "sidecars");
    const files = existsSync(registry) ? readdirSync(registry) : [];
    for (const file of files) {
      const [, id, process] = file.split("+");
      if (id === appId) return { pid: parseInt(process!, 10), folder };
    }
  }
  throw new Error(`no sidecar of ${appId} is registered`);
}

describe("when the tests end without stop()", () => {
  /** A test process that starts two sidecars. */
  const script = (appId: string, end: string) => `
const { startSidecar } = require(${JSON.stringify(join(__dirname, "../../runtime/testing/index.cjs"))});
Promise.all([startSidecar({ appId: "${appId}" }), startSidecar()]).then(() => { console.log("up"); ${end} });`;

  test.each([
    [
      "because nothing is left to do",
      "process.stdin.once('data', () => process.stdin.destroy())",
      "go on",
      [0, null],
    ],
    [
      "by process.exit()",
      "process.stdin.once('data', () => process.exit(3))",
      "go on",
      [3, null],
    ],
    ["by kill -9", "process.stdin.resume()", "SIGKILL", [null, "SIGKILL"]],
    [
      "by Ctrl+C in their terminal",
      "process.stdin.resume()",
      "SIGINT",
      [null, "SIGINT"],
    ],
  ])(
    "%s, their sidecars end and remove their files",
    async (_, end, how, exit) => {
      const appId = uniqueId();
      const home = tempFolder("start-sidecar-home");
      const tests = spawn(process.execPath, ["-e", script(appId, end)], {
        stdio: ["pipe", "pipe", "inherit"],
        // A terminal's Ctrl+C goes to the group of its processes.
        detached: true,
        env: { ...process.env, HOME: home, USERPROFILE: home },
      });
      const exited = once(tests, "exit");
      await once(tests.stdout, "data");
      const { pid, folder } = findProcess(appId);
      if (how === "go on") tests.stdin.write(how);
      else process.kill(-tests.pid!, how as NodeJS.Signals);
      expect(await exited).toEqual(exit);
      await gone([pid]);
      await waitFor("the folder to be removed", () => !existsSync(folder));
      expect(readdirSync(home)).toEqual([]);
    },
  );
});
