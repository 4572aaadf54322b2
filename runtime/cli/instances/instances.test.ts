import { createServer } from "node:http";
import { instancesAmong, runDetails } from "./instances.ts";
import { parsePsLine, splitWindowsLine } from "./process-list.ts";
import type { ProcessInfo } from "./process-list.ts";

let pid = 100;
const info = (
  args: string[],
  more: Partial<ProcessInfo> = {},
): ProcessInfo => ({
  pid: pid++,
  parent: 1,
  name: "MainThread",
  args,
  startedMs: 1000,
  started: "1000",
  ...more,
});

test.each([
  [
    "our bundle",
    ["/opt/node", "--max-semi-space-size=4", "/kit/dist/daprd.js"],
  ],
  ["our source", ["node", "runtime/entries/daprd.ts"]],
  ["the bin entry", ["node", "/kit/node_modules/.bin/daprd"]],
  ["node on Windows", ["C:\\node\\node.exe", "C:\\kit\\dist\\daprd.js"]],
])("%s is a sidecar", (_, program) => {
  const found = instancesAmong([
    info([
      ...program,
      "--app-id",
      "a",
      "--dapr-http-port=1",
      "-dapr-grpc-port",
      "2",
      "--app-port",
      "3",
    ]),
  ]);
  expect(found).toMatchObject([
    { appId: "a", httpPort: 1, grpcPort: 2, appPort: 3 },
  ]);
});

test("the original's binary is one, by its name; its ports have defaults", () => {
  expect(
    instancesAmong([info(["/x/daprd", "--app-id", "a"], { name: "daprd" })]),
  ).toMatchObject([
    {
      appId: "a",
      httpPort: 3500,
      grpcPort: 50001,
      appPort: 0,
      socketPath: undefined,
    },
  ]);
});

test.each([
  ["no app ID", ["node", "dist/daprd.js", "--dapr-http-port", "1"]],
  ["another script", ["node", "app.js", "--app-id", "a"]],
  ["an editor", ["vim", "daprd.ts", "--app-id", "a"]],
  [
    "an app with such an argument",
    ["node", "app.js", "daprd", "--app-id", "a"],
  ],
  [
    "a program without an ending",
    ["node", "/usr/bin/watch-it", "daprd", "--app-id", "a"],
  ],
  [
    "code with such an argument",
    ["node", "-e", "setTimeout(f, 1e6)", "daprd", "--app-id", "a"],
  ],
  ["printed code", ["node", "--print=f()", "daprd.js", "--app-id", "a"]],
  ["a kernel thread", []],
])("%s is none", (_, args) => {
  expect(instancesAmong([info(args)])).toEqual([]);
});

test("a launcher with the sidecar as its child counts once", () => {
  const launcher = info(["node", ".bin/daprd", "--app-id", "a"]);
  const sidecar = info(["node24", "dist/daprd.js"], { parent: launcher.pid });
  sidecar.args = ["node", "dist/daprd.js", "--app-id", "a"];
  expect(instancesAmong([launcher, sidecar])).toMatchObject([
    { daprdPid: sidecar.pid },
  ]);
});

const daprd = (parent: number) =>
  info(["node", "dist/daprd.js", "--app-id", "a"], { parent, startedMs: 2000 });

test.each([
  ["our bundle", ["node", "/kit/dist/dapr.js", "run", "-a", "a"], "node"],
  ["a package's command", ["node", "--import", "x.mjs", ".bin/dapr", "run"]],
  ["the original's binary", ["dapr", "run", "-a", "a"], "dapr"],
])("the CLI above a sidecar: %s", (_, args, name = "node") => {
  const cli = info(args, { name });
  const wrapper = info(["sh", "daprd-wrapper"], { parent: cli.pid });
  const app = info(["python3", "app.py"], { parent: cli.pid });
  const stranger = info(["python3", "app.py"]);
  const all = [cli, wrapper, app, stranger, daprd(wrapper.pid)];
  const [found] = instancesAmong(all);
  expect(found!.cli).toBe(cli);
  expect(found!.startedByCli).toContain(app.pid);
  expect(found!.startedByCli).not.toContain(stranger.pid);
});

test.each([
  ["an editor", { args: ["vim", "dapr.js", "run"], name: "vim" }],
  ["another script", { args: ["node", "server.js", "dapr", "run"] }],
  ["another command", { args: ["node", "dist/dapr.js", "list"] }],
  ["one that is younger", { args: ["node", "dapr.js", "run"], startedMs: 9e9 }],
])("no CLI is above a sidecar: %s", (_, more) => {
  const above = info([], more);
  expect(instancesAmong([above, daprd(above.pid)])).toMatchObject([
    { cli: undefined, startedByCli: [] },
  ]);
});

test("IDs that lead in a circle end the search", () => {
  const one = info(["sh"]);
  const two = info(["sh"], { parent: one.pid });
  one.parent = two.pid;
  expect(instancesAmong([one, two, daprd(two.pid)])).toMatchObject([
    { cli: undefined },
  ]);
});

test.each([
  ["its own", "a", {}, "node app.js"],
  ["of another app on that port", "b", {}, ""],
  ["of another run of this app", "a", { cliPID: "1" }, ""],
])("an answer that is %s", async (_, id, more, command) => {
  const server = createServer((_request, response) =>
    response.end(
      JSON.stringify({
        id,
        extended: { appCommand: "node app.js", appPID: 1, ...more },
      }),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const [instance] = instancesAmong([
    info(["node", "daprd.js", "--app-id", "a", `--dapr-http-port=${port}`]),
  ]);
  expect(await runDetails(instance!)).toMatchObject({ command, appPid: 0 });
  await new Promise((resolve) => server.close(resolve));
});

test("sockets, and the oldest first", () => {
  const younger = info(["node", "daprd.js", "--app-id", "b"], {
    startedMs: 2000,
  });
  const older = info([
    "node",
    "daprd.js",
    "--app-id",
    "a",
    "--unix-domain-socket",
    "/s",
  ]);
  expect(instancesAmong([younger, older])).toMatchObject([
    { appId: "a", socketPath: "/s/dapr-a-http.socket" },
    { appId: "b" },
  ]);
});

test("a line of ps", () => {
  expect(
    parsePsLine(
      "  12   1 Sat Nov 21 05:09:33 2026 node dist/daprd.js --app-id x",
    ),
  ).toEqual([
    {
      pid: 12,
      parent: 1,
      name: "node",
      args: ["node", "dist/daprd.js", "--app-id", "x"],
      startedMs: new Date(2026, 10, 21, 5, 9, 33).getTime(),
      started: "Sat Nov 21 05:09:33 2026",
    },
  ]);
  expect(parsePsLine("")).toEqual([]);
});

test("a command line of Windows", () => {
  expect(
    splitWindowsLine(
      '"C:\\Program Files\\node.exe" daprd.js --app-id "my app"',
    ),
  ).toEqual(["C:\\Program Files\\node.exe", "daprd.js", "--app-id", "my app"]);
});
