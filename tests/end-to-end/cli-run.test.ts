/** The shipped `dapr run` for one app: its output, how it ends, its exit codes, and that nothing is left behind. */
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  cli,
  freePort,
  gone,
  isRunning,
  withoutSidecarLog,
  workspace,
} from "./cli-process.ts";
import type { CliRun } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

const up =
  "You're up and running! Both Dapr and your app logs will appear here.";
let count = 0;

/** Starts an app by `dapr run`, under an ID of its own. */
function run(flags: string[], appArgs: string[] = []) {
  const id = `cli-run-${process.pid}-${++count}`;
  const words = [
    "run",
    "--app-id",
    id,
    "--resources-path",
    "resources",
    ...flags,
  ];
  return {
    id,
    ...startedAs([...words, "--", process.execPath, "app.js", ...appArgs]),
  };
}

const startedAs = (words: string[]) => ({ run: cli(words, { cwd: dir }) });

const appPid = ({ out }: CliRun) =>
  Number(/== APP == app pid (\d+)/.exec(out)![1]);

/** The sidecar's process ID, from `dapr list`. */
async function sidecarPid(id: string): Promise<number> {
  const listed = cli(["list", "-o", "json"]);
  expect(await listed.exit).toBe(0);
  const all = JSON.parse(listed.out) as { appId: string; daprdPid: number }[];
  return all.find(({ appId }) => appId === id)!.daprdPid;
}

async function started(flags: string[] = [], appArgs: string[] = []) {
  const { id, run: it } = run(flags, appArgs);
  await it.prints(up);
  await it.prints("== APP == a line on stderr");
  return { id, it, pids: [it.pid, appPid(it), await sidecarPid(id)] };
}

test("when the app exits with 0, the documented lines come in order, and the exit code is 0", async () => {
  const { id, run: it } = run([], ["exit", "0"]);
  expect(await it.exit).toBe(0);
  const lines = withoutSidecarLog(it.out).filter(
    (line) => !line.startsWith("== APP =="),
  );
  const [, http, grpc] = /HTTP Port: (\d+)\. gRPC Port: (\d+)/.exec(it.out)!;
  const pid = appPid(it);
  expect(lines).toEqual([
    `ℹ️  Starting Dapr with id ${id}. HTTP Port: ${http}. gRPC Port: ${grpc}`,
    `ℹ️  Checking if Dapr sidecar is listening on HTTP port ${http}`,
    `ℹ️  Checking if Dapr sidecar is listening on GRPC port ${grpc}`,
    "ℹ️  Dapr sidecar is up and running.",
    `ℹ️  Updating metadata for appPID: ${pid}`,
    `ℹ️  Updating metadata for app command: ${process.execPath} app.js exit 0`,
    `✅  ${up}`,
    "",
    "✅  Exited App successfully",
    "ℹ️  ",
    "terminated signal received: shutting down",
    "✅  Exited Dapr successfully",
    "✅  Exited App successfully",
    "",
  ]);
  expect(it.err).toBe("");
});

test("the app gets its environment, and each line of its two streams has a prefix", async () => {
  const port = await freePort();
  const { id, it, pids } = await started([
    "--app-port",
    String(port),
    "--app-protocol",
    "HTTP",
  ]);
  const env = JSON.parse(/== APP == app env (.*)/.exec(it.out)![1]!) as Record<
    string,
    string
  >;
  const [, http, grpc] = /HTTP Port: (\d+)\. gRPC Port: (\d+)/.exec(it.out)!;
  expect(env).toMatchObject({
    APP_ID: id,
    APP_PORT: String(port),
    APP_PROTOCOL: "http",
    APP_CHANNEL_ADDRESS: "127.0.0.1",
    DAPR_HTTP_PORT: http,
    DAPR_GRPC_PORT: grpc,
    PYTHONUNBUFFERED: "1",
  });
  expect(env["DAPR_METRICS_PORT"]).toMatch(/^\d+$/);
  expect(env).not.toHaveProperty("DAPR_LIFELINE_FD");
  expect(it.out).not.toContain("Checking if Dapr sidecar"); // with an app port it does not wait
  it.signal("SIGINT");
  expect(await it.exit).toBe(0);
  await gone(pids);
});

test("when the app fails, the error says why, and the exit code is 1", async () => {
  const { run: it } = run([], ["exit", "3"]);
  expect(await it.exit).toBe(1);
  expect(it.err).toBe(
    "❌  The App process exited with error code: 3\n❌  Error exiting App: app exited with status 3\n",
  );
  expect(it.out).toContain(`✅  ${up}\n`);
  expect(it.out).toContain("terminated signal received: shutting down\n");
  expect(it.out).toContain("✅  Exited Dapr successfully\n");
});

test("of two runs that want one port, one is up and the other ends, and neither is told of the other's app", async () => {
  const port = await freePort();
  const both = [run(["-H", `${port}`]), run(["-H", `${port}`])] as const;
  const first = await Promise.race(
    both.map(async (one) => {
      await one.run.exit;
      return one;
    }),
  );
  const [ended, other] = both[0] === first ? both : [both[1], both[0]];
  expect(await ended.run.exit).toBe(1);
  expect(ended.run.out).not.toContain("You're up and running!");
  expect(ended.run.out).not.toContain("== APP ==");
  await other.run.prints(up);
  await other.run.prints("== APP == app pid");
  const response = await fetch(`http://127.0.0.1:${port}/v1.0/metadata`);
  expect(await response.json()).toMatchObject({
    id: other.id,
    extended: {
      cliPID: `${other.run.pid}`,
      appPID: `${appPid(other.run)}`,
    },
  });
  other.run.signal("SIGTERM");
  expect(await other.run.exit).toBe(0);
});

test("when the app is killed, the error says so, and the exit code is 1", async () => {
  const { run: it } = run([], ["die"]);
  expect(await it.exit).toBe(1);
  expect(it.err).toBe(
    "❌  The App process was terminated by signal: killed\n❌  Error exiting App: app terminated by signal: killed\n",
  );
});

test("a missing command is an error", async () => {
  const { run: it } = startedAs([
    "run",
    "--app-id",
    "cli-run-none",
    "--resources-path",
    "resources",
    "nosuchcommand",
  ]);
  expect(await it.exit).toBe(1);
  expect(it.err).toBe(
    '❌  Failed to find command nosuchcommand: exec: "nosuchcommand": executable file not found in $PATH\n',
  );
  expect(it.out).toContain(
    "✅  Start App failed, try to stop Dapr successfully\n",
  );
  expect(it.out).not.toContain("terminated signal received");
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends app and sidecar with exit code 0, and nothing is left",
  async (signal) => {
    const { it, pids } = await started();
    it.signal(signal);
    expect(await it.exit).toBe(0);
    expect(withoutSidecarLog(it.out).slice(-6)).toEqual([
      "ℹ️  ",
      "terminated signal received: shutting down",
      "== APP == app got SIGTERM",
      "✅  Exited Dapr successfully",
      "✅  Exited App successfully",
      "",
    ]);
    expect(it.err).toBe("");
    await gone(pids);
  },
);

test("a second Ctrl+C does not wait for a stubborn app", async () => {
  const { it, pids } = await started([], ["stubborn"]);
  it.signal("SIGINT");
  await it.prints("app got SIGTERM");
  // A signal that comes sooner counts as the same key press, which npm or a launcher passed on once more.
  await delay(600);
  it.signal("SIGINT");
  expect(await it.exit).toBe(0);
  await gone(pids);
});

test("when the CLI is killed, app and sidecar end, and a stubborn app after 5 s", async () => {
  const [quick, stubborn] = [await started(), await started([], ["stubborn"])];
  quick.it.signal("SIGKILL");
  stubborn.it.signal("SIGKILL");
  expect(await quick.it.exit).toBe("SIGKILL");
  await gone(quick.pids);
  await gone(stubborn.pids);
});

test("when the sidecar is killed, the error says so, the app ends, and the exit code is 1", async () => {
  const { it, pids } = await started();
  process.kill(pids[2]!, "SIGKILL");
  expect(await it.exit).toBe(1);
  expect(it.err).toBe(
    "❌  The daprd process exited with error code: signal: killed\n❌  Error exiting Dapr: signal: killed\n",
  );
  expect(it.out).toContain("== APP == app got SIGTERM\n");
  expect(it.out).toContain("✅  Exited App successfully\n");
  await gone(pids);
});

test("when app and CLI are stopped at once, that is no failure", async () => {
  const { it, pids } = await started();
  // The CLI is paused, so that the app's end and SIGTERM reach it together.
  it.signal("SIGSTOP");
  process.kill(pids[1]!, "SIGKILL");
  it.signal("SIGTERM");
  it.signal("SIGCONT");
  expect(await it.exit).toBe(0);
  expect(it.err).toBe("");
  expect(it.out).not.toMatch(/exited with error|Error exiting/);
  await gone(pids);
});

test.each([
  ["info", "nothing listens on port", "after 5 s: the app has"],
  ["error", "⚠  App ", "yet, after 5 s: it has"],
  ["fatal", "⚠  App ", "yet, after 5 s: it has"],
])(
  "with log level %s an app that does not listen is told once",
  async (level, begin, end) => {
    const port = await freePort();
    const { run: it } = startedAs([
      "run",
      "--app-id",
      `cli-run-deaf-${level}-${process.pid}`,
      "--app-port",
      String(port),
      "--log-level",
      level,
      "--resources-path",
      "resources",
      "--",
      "env",
      "APP_PORT=",
      process.execPath,
      "app.js",
    ]);
    await it.prints(
      `${end} to listen on the port in its environment's APP_PORT`,
    );
    expect(it.out).toContain(begin);
    expect(it.out.split(`port ${port}`)).toHaveLength(level === "info" ? 3 : 2);
    it.signal("SIGTERM");
    expect(await it.exit).toBe(0);
  },
);

test("processes that the app started end with it", async () => {
  const child = `require("node:child_process").spawn(process.execPath, ["app.js", "stubborn"], { stdio: "inherit" })`;
  const { run: it } = startedAs([
    "run",
    "--app-id",
    `cli-run-tree-${process.pid}`,
    "--resources-path",
    "resources",
    "--",
    process.execPath,
    "-e",
    child,
  ]);
  await it.prints(up);
  await it.prints("== APP == app pid");
  const grandchild = appPid(it);
  expect(isRunning(grandchild)).toBe(true);
  it.signal("SIGTERM");
  expect(await it.exit).toBe(0);
  await gone([grandchild]);
});

test("flags may stand between command words, and old spellings work with a notice", async () => {
  const http = await freePort();
  const id = `cli-run-old-${process.pid}`;
  const { run: it } = startedAs([
    "run",
    "--app-id",
    id,
    "node",
    "app.js",
    "exit",
    "0",
    "--port",
    String(http),
    "--components-path",
    "./resources",
  ]);
  expect(await it.exit).toBe(0);
  expect(it.out).toContain(`Starting Dapr with id ${id}. HTTP Port: ${http}.`);
  expect(it.err).toBe(
    'Flag --port has been deprecated, Use "dapr-http-port" flag instead\n' +
      'Flag --components-path has been deprecated, This flag is deprecated and will be removed in the future releases. Use "resources-path" flag instead\n',
  );
});

test("the error about a port in use names the port and says what to do", async () => {
  const stranger = createServer();
  await new Promise<void>((resolve) =>
    stranger.listen(0, "127.0.0.1", resolve),
  );
  const { port } = stranger.address() as { port: number };
  try {
    const { run: it } = run(["--dapr-http-port", String(port)]);
    expect(await it.exit).toBe(1);
    expect(it.err).toBe(
      `❌  invalid configuration for HTTPPort. Port ${port} is not available\n` +
        "    Another process listens on it: end that, or give another --dapr-http-port (daprHTTPPort), or leave it out for a free one.\n",
    );
    const same = run(["--dapr-http-port", "38999", "--app-port", "38999"]);
    expect(await same.run.exit).toBe(1);
    expect(same.run.err).toContain(
      "Port 38999 is the app's own port (--app-port, appPort)",
    );
  } finally {
    stranger.close();
  }
});

test("a missing resources folder is an error", async () => {
  const { run: it } = startedAs([
    "run",
    "--app-id",
    "x",
    "--resources-path",
    "./nope",
    "--",
    "node",
    "app.js",
  ]);
  expect(await it.exit).toBe(1);
  expect(it.err).toContain(
    '❌  error validating resources path ["./nope"] : stat ' +
      join(dir, "nope") +
      ": no such file or directory\n",
  );
});

test("a sidecar can run without an app", async () => {
  const { run: it } = startedAs([
    "run",
    "--app-id",
    `cli-run-alone-${process.pid}`,
    "--resources-path",
    "resources",
  ]);
  await it.prints("✅  You're up and running! Dapr logs will appear here.\n\n");
  it.signal("SIGINT");
  expect(await it.exit).toBe(0);
  expect(it.out.startsWith("WARNING: no application command found.\n")).toBe(
    true,
  );
  expect(it.out).not.toContain("Updating metadata");
  expect(it.out).not.toContain("Exited App");
});
