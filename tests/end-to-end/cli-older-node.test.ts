/** The `dapr` command started by a Node before 24: it hands over to the kit's own. Skipped where PATH has no such Node. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { gone, workspace } from "./cli-process.ts";

jest.setTimeout(60_000);

const { dir, remove } = workspace();
afterAll(remove);

const launcher = join(__dirname, "..", "..", "runtime", "bin", "dapr.js");

const older = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "node"))
  .find(
    (node) =>
      existsSync(node) && Number(nodeVersion(node).slice(1).split(".")[0]) < 24,
  );

function nodeVersion(node: string): string {
  return spawnSync(node, ["--version"], { encoding: "utf8" }).stdout;
}

const onOlderNode = older ? test : test.skip;

/** Runs an app that prints its Node's version and its process IDs, on a PATH where `node` is the older one. */
async function start() {
  const child = spawn(
    older!,
    [
      launcher,
      "run",
      "--resources-path",
      "resources",
      "--",
      "node",
      "-e",
      `console.log("node", process.version, "pid", process.pid, "cli", process.ppid); setInterval(() => {}, 1000)`,
    ],
    {
      cwd: dir,
      env: {
        ...process.env,
        PATH: `${dirname(older!)}${delimiter}${process.env["PATH"]}`,
      },
    },
  );
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const exit = new Promise((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal)),
  );
  await waitFor(
    "the app to be up",
    () => out.includes("You're up and running!"),
    20_000,
  );
  const line = await waitFor("the app's line", () =>
    /node (\S+) pid (\d+) cli (\d+)/.exec(out),
  );
  return {
    child,
    exit,
    version: line[1]!,
    pids: [Number(line[2]), Number(line[3])],
  };
}

onOlderNode(
  "the app gets a Node that runs TypeScript; SIGTERM and the exit code pass through",
  async () => {
    const { child, exit, version, pids } = await start();
    expect(Number(version.slice(1).split(".")[0])).toBeGreaterThanOrEqual(
      nodeVersion(older!).startsWith("v22") ? 22 : 24,
    );
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    await gone(pids);
  },
);

onOlderNode("killed, it takes the CLI and the app with it", async () => {
  const { child, exit, pids } = await start();
  child.kill("SIGKILL");
  expect(await exit).toBe("SIGKILL");
  await gone(pids);
});
