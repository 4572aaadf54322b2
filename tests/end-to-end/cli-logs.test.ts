/** `dapr logs` on this machine, and `dapr build-info`, of the shipped CLI. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { daprVersion, version } from "../../runtime/shared/version.ts";
import { call } from "../support/http.ts";
import { cli, freePort, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

async function dapr(args: string[], cwd = dir) {
  const run = cli(args, { cwd });
  return { code: await run.exit, out: run.out, err: run.err };
}

test("the log of a sidecar of a run file, and of its app, is printed; also when it has ended", async () => {
  const id = `logs-${process.pid}`;
  const app = join(dir, "app");
  mkdirSync(join(app, "resources"), { recursive: true });
  writeFileSync(
    join(dir, "dapr.yaml"),
    `version: 1
apps:
  - appID: ${id}
    appDirPath: app
    resourcesPaths: [resources]
    command: [${JSON.stringify(process.execPath)}, ../app.js]
`,
  );
  const run = cli(["run", "-f", "."], { cwd: dir });
  await run.prints(`Started Dapr with app id "${id}"`);
  await run.prints("a line on stderr");
  const sidecar = await dapr(["logs", "-a", id]);
  expect({ code: sidecar.code, err: sidecar.err }).toEqual({
    code: 0,
    err: "",
  });
  expect(sidecar.out).toContain(`app_id=${id} `);
  expect(sidecar.out).toMatch(/\n✅ {2}Fetched logs\n$/);
  const own = await dapr(["logs", "-a", id, "--app"]);
  expect(own.out).toContain(`== APP - ${id} == a line on stderr\n`);
  expect(own.out).not.toContain("app_id=");
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);

  expect((await dapr(["logs", "-a", id])).code).toBe(1);
  const ended = await dapr(["logs", "-a", id], app);
  expect(ended.code).toBe(0);
  expect(ended.out).toContain(`app_id=${id} `);
});

test("where the log is on a terminal that is said, and no other file is taken for it", async () => {
  const id = `logs-alone-${process.pid}`;
  const port = await freePort();
  const run = cli(
    [
      "run",
      "-a",
      id,
      "--dapr-http-port",
      String(port),
      "--resources-path",
      "resources",
    ],
    { cwd: dir },
  );
  await run.prints("You're up and running!");
  const said = `❌  could not get logs: those of app "${id}" are printed by its own \`dapr run\` (PID ${run.pid}). `;
  expect((await dapr(["logs", "-a", id])).err.startsWith(said)).toBe(true);
  // Anyone who reaches the sidecar can write its metadata.
  const secret = join(dir, "secret.log");
  writeFileSync(secret, "a secret");
  const set = await call(port, "PUT", "/v1.0/metadata/daprdLogPath", {
    body: secret,
  });
  expect(set.status).toBe(204);
  const guarded = await dapr(["logs", "-a", id]);
  expect(guarded.out).not.toContain("a secret");
  expect(guarded.err.startsWith(said)).toBe(true);
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
});

test("an app that never ran has no log", async () => {
  expect(await dapr(["logs", "-a", "nobody"])).toMatchObject({
    code: 1,
    err: expect.stringContaining(
      "❌  could not get logs. Please check app-id (nobody): ",
    ),
  });
});

test("build-info tells the CLI's build and the sidecar's", async () => {
  expect(await dapr(["build-info"])).toEqual({
    code: 0,
    out: `CLI:\n\tVersion: ${version}\n\tGit Commit: ts-${version}\n\tGit Version: ${version}\nRuntime:\n\tVersion: ${daprVersion}\n\tGit Commit: ts-${version}\n\tGit Version: ${version}\n`,
    err: "",
  });
});
