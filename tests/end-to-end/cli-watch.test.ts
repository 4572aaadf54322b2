/** The token by which `dapr run` lets its sidecars be watched: where it is, and where it is not. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { call } from "../support/http.ts";
import { eventsPath, openWatcher } from "../support/watcher.ts";
import { waitFor } from "../wait-for.ts";
import { cli, freePort, gone, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

const keys = "/dapr-kit/watch/stores/none/keys";
let count = 0;

/** A `<dapr>` of its own. */
function newHome() {
  const runtime = join(dir, `runtime${++count}`);
  mkdirSync(runtime);
  const tokens = join(runtime, ".dapr", "instances");
  return {
    env: { DAPR_RUNTIME_PATH: runtime },
    /** By process ID. */
    tokens: () =>
      new Map(
        (existsSync(tokens) ? readdirSync(tokens) : []).map((name) => {
          const path = join(tokens, name);
          const { watchToken } = JSON.parse(readFileSync(path, "utf8")) as {
            watchToken: string;
          };
          return [Number(name.split(".")[0]), { path, watchToken }];
        }),
      ),
  };
}

const commandLine = (pid: number) =>
  process.platform === "linux"
    ? readFileSync(`/proc/${pid}/cmdline`, "utf8")
    : "";

test("a sidecar of `dapr run` can be watched by its token, which the app, the command line and `dapr list` do not have", async () => {
  const { env, tokens } = newHome();
  const id = `cli-watch-${process.pid}`;
  const port = await freePort();
  const run = cli(
    [
      "run",
      "--app-id",
      id,
      "--dapr-http-port",
      `${port}`,
      "--resources-path",
      "resources",
      "--",
      process.execPath,
      "app.js",
    ],
    {
      cwd: dir,
      env: {
        ...env,
        DAPR_WATCH_TOKEN: "an older token of the user's own shell",
      },
    },
  );
  await run.prints("You're up and running!");
  await run.prints("== APP == app env");
  const [[pid, { path, watchToken }]] = [
    ...(await waitFor("the token", () =>
      tokens().size > 0 ? tokens() : undefined,
    )),
  ] as [[number, { path: string; watchToken: string }]];
  expect(watchToken).toMatch(/^[\w-]{43}$/);
  if (process.platform !== "win32")
    expect(statSync(path).mode & 0o777).toBe(0o600);
  const asked = await call(port, "GET", keys, {
    headers: { "dapr-watch-token": watchToken },
  });
  expect(asked.status).toBe(404);
  expect(asked.text).toContain("none is not found");
  expect((await call(port, "GET", eventsPath)).status).toBe(401);
  const listed = cli(["list", "-o", "json"], { env });
  await listed.exit;
  expect(listed.out).toContain(id);
  for (const text of [
    listed.out,
    listed.err,
    run.out,
    run.err,
    commandLine(pid),
    commandLine(run.pid),
  ])
    expect(text).not.toContain(watchToken);
  expect(run.out).not.toContain("DAPR_WATCH_TOKEN");
  run.signal("SIGTERM");
  await run.exit;
  expect(tokens().size).toBe(0);
});

test("each sidecar of a run file has a token of its own, and a killed run's are removed by the next one", async () => {
  const { env, tokens } = newHome();
  const ports = [await freePort(), await freePort()];
  const file = join(dir, "watch.yaml");
  writeFileSync(
    file,
    `version: 1
common:
  resourcesPaths: [./resources]
apps:
${ports
  .map(
    (port, n) => `  - appID: cli-watch-${process.pid}-${n}
    appDirPath: .
    daprHTTPPort: ${port}
    command: ["${process.execPath}", app.js]
`,
  )
  .join("")}`,
  );
  const run = cli(["run", "-f", file], { cwd: dir, env });
  await run.prints(`Started Dapr with app id "cli-watch-${process.pid}-1"`);
  await waitFor("both tokens", () => tokens().size === 2);
  const all = tokens();
  const given = [...all.values()].map(({ watchToken }) => watchToken);
  expect(new Set(given).size).toBe(2);
  const answers = await Promise.all(
    ports.flatMap((port) =>
      given.map(async (token) => {
        const headers = { "dapr-watch-token": token };
        return (await call(port, "GET", keys, { headers })).status;
      }),
    ),
  );
  expect(answers.toSorted()).toEqual([401, 401, 404, 404]);
  expect(run.out + run.err).not.toContain(given[0]);
  run.signal("SIGKILL");
  await run.exit;
  await gone([...all.keys()]);
  const next = cli(
    ["run", "--app-id", "next", "--", process.execPath, "app.js"],
    { cwd: dir, env },
  );
  await next.prints("You're up and running!");
  await waitFor("the next one's alone", () => tokens().size === 1);
  expect([...all.keys()]).not.toContain([...tokens().keys()][0]);
  next.signal("SIGTERM");
  await next.exit;
  expect(tokens().size).toBe(0);
});

test("a run whose token can't be kept goes on, and says so", async () => {
  const runtime = join(dir, "no-folder");
  writeFileSync(runtime, "a file");
  const run = cli(
    [
      "run",
      "--app-id",
      `cli-watch-${process.pid}-x`,
      "--resources-path",
      "resources",
      "--",
      process.execPath,
      "app.js",
      "exit",
      "0",
    ],
    { cwd: dir, env: { DAPR_RUNTIME_PATH: runtime } },
  );
  expect(await run.exit).toBe(0);
  expect(run.out + run.err).toContain(
    "can't see what passes through this sidecar",
  );
});

test("the watcher of a run sees its calls", async () => {
  const { env, tokens } = newHome();
  const port = await freePort();
  const run = cli(
    [
      "run",
      "--app-id",
      `cli-watch-${process.pid}-y`,
      "--dapr-http-port",
      `${port}`,
      "--resources-path",
      "resources",
      "--",
      process.execPath,
      "app.js",
    ],
    { cwd: dir, env },
  );
  await run.prints("You're up and running!");
  const [found] = [
    ...(
      await waitFor("the token", () =>
        tokens().size > 0 ? tokens() : undefined,
      )
    ).values(),
  ];
  const watcher = await openWatcher(port, found!.watchToken);
  await call(port, "GET", "/v1.0/healthz");
  expect(await watcher.call("/v1.0/healthz")).toMatchObject({
    door: "http",
    block: "metadata",
  });
  run.signal("SIGTERM");
  await watcher.ended;
  await run.exit;
});
