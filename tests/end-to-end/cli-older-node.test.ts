/** Commands that an older Node than 24 starts: they hand over to the kit's own Node. Skipped where PATH has no such Node. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import {
  limitEnv,
  nodeLimits,
} from "../../runtime/shared/process/node-limits.ts";
import { nodeVersion, olderNode } from "../support/older-node.ts";
import { freePorts } from "../support/ports.ts";
import { waitFor } from "../wait-for.ts";
import { gone, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

const bin = join(__dirname, "..", "..", "runtime", "bin");
const launcher = join(bin, "dapr.js");

const older = olderNode();
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
  "the app gets a Node that runs TypeScript, and SIGTERM and the exit code are passed on",
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

onOlderNode("when the older Node is killed, CLI and app end too", async () => {
  const { child, exit, pids } = await start();
  child.kill("SIGKILL");
  expect(await exit).toBe("SIGKILL");
  await gone(pids);
});

const onOlderLinux = older && process.platform === "linux" ? test : test.skip;

onOlderLinux("a sidecar gets its memory limits", async () => {
  const [http, grpc] = (await freePorts(2)) as [number, number];
  const args = [
    "--app-id=old",
    `--dapr-http-port=${http}`,
    "--enable-metrics=false",
  ];
  const child = spawn(
    older!,
    [join(bin, "daprd.js"), ...args, `--dapr-grpc-port=${grpc}`],
    { cwd: dir, env: { ...process.env, DAPR_REGISTRY_PATH: dir } },
  );
  const exit = new Promise((resolve) => child.on("close", resolve));
  try {
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await waitFor("the sidecar", () => out.includes("dapr initialized"));
    const pid = await waitFor("its process", () => runningWith(args[1]!, bin));
    const proc = (name: string) =>
      readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0");
    expect(proc("cmdline")).toEqual(expect.arrayContaining(nodeLimits));
    expect(proc("environ")).toEqual(
      expect.arrayContaining(
        Object.entries(limitEnv).map(([name, value]) => `${name}=${value}`),
      ),
    );
  } finally {
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
  }
});

/** The process ID of the program with this argument that is not the launcher in `folder`. */
function runningWith(arg: string, folder: string): string | undefined {
  return readdirSync("/proc").find((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return text.split("\0").includes(arg) && !text.includes(folder);
    } catch {
      return false; // not a process, or it ended
    }
  });
}
