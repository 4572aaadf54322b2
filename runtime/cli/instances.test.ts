import { instancesAmong } from "./instances.ts";
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
  ...more,
});

test.each([
  [
    "our bundle",
    ["/opt/node", "--max-semi-space-size=4", "/kit/dist/daprd.js"],
  ],
  ["our source", ["node", "runtime/daprd.ts"]],
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
