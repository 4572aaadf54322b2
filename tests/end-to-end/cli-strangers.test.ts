/** Values that others wrote into a sidecar end no other process, and reach the terminal only as text. */
import { spawn } from "node:child_process";
import { request } from "node:http";

import { waitFor } from "../wait-for.ts";
import { cli, freePort, gone, isRunning, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

async function dapr(...args: string[]) {
  const run = cli(args, { cwd: dir });
  return { code: await run.exit, out: run.out, err: run.err };
}

const app = ["--", process.execPath, "app.js"];

async function start(id: string, port: number) {
  const run = cli(
    ["run", "-a", id, "-H", `${port}`, "--resources-path", "resources", ...app],
    { cwd: dir },
  );
  await run.prints("You're up and running!");
  const line = await waitFor("the app's ID", () =>
    /app pid (\d+)/.exec(run.out),
  );
  return { run, appPid: Number(line[1]) };
}

function tell(port: number, key: string, value: string): Promise<number> {
  return new Promise((resolve, reject) =>
    request(
      { port, host: "127.0.0.1", method: "PUT", path: `/v1.0/metadata/${key}` },
      (response) => resolve(response.resume().statusCode!),
    )
      .on("error", reject)
      .end(value),
  );
}

test("stop ends the CLI that the system names, whatever a sidecar's metadata says, and list shows no wrong process ID", async () => {
  const id = `stranger-${process.pid}`;
  const port = await freePort();
  const decoy = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const { run, appPid } = await start(id, port);
  try {
    expect(await tell(port, "appPID", `${decoy.pid}`)).toBe(204);
    expect(await tell(port, "appCommand", "x\x1b[2J")).toBe(204);
    const { out } = await dapr("list", "-o", "json");
    const rows = JSON.parse(out) as Record<string, unknown>[];
    expect(rows.find((row) => row["appId"] === id)).toMatchObject({
      cliPid: run.pid,
      appPid: 0,
      command: "x\x1b[2J",
    });
    for (const format of ["table", "json", "yaml"]) {
      const shown = (await dapr("list", "-o", format)).out;
      expect(shown).toContain(id);
      expect(shown).not.toMatch(/[^\P{Cc}\n]/u);
    }
    expect(await tell(port, "cliPID", `${decoy.pid}`)).toBe(204);
    const stopped = await dapr("stop", "--app-id", id);
    expect(stopped.out).toBe(`✅  app stopped successfully: ${id}\n`);
    expect(await run.exit).toBe(0);
    await gone([run.pid, appPid]);
    expect(isRunning(decoy.pid!)).toBe(true);
  } finally {
    decoy.kill("SIGKILL");
  }
});

test("two apps with one ID are a warning, and stop ends both", async () => {
  const id = `twice-${process.pid}`;
  const port = await freePort();
  const first = await start(id, port);
  const second = await start(id, await freePort());
  expect(first.run.out).not.toContain("already");
  expect(second.run.out).toContain(
    `⚠  An app with the ID "${id}" is running already (daprd PID `,
  );
  const { out, err } = await dapr("stop", id);
  expect({ out, err }).toEqual({
    out: `ℹ️  2 apps had the ID "${id}"; all stopped\n✅  app stopped successfully: ${id}\n`,
    err: "",
  });
  expect(await Promise.all([first.run.exit, second.run.exit])).toEqual([0, 0]);
  await gone([first.run.pid, first.appPid, second.run.pid, second.appPid]);
});
