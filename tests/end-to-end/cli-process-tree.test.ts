/** An app that is a tree of processes (npm, its shell, Node, a child of that) ends as a whole. The workflow runs this file on Linux, macOS and Windows, whose processes end in different ways. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { cli, gone, isRunning, workspace, type CliRun } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

/** Prints its arguments, and the process IDs of itself, of what started it, and of a child. */
const tree = `
const { spawn } = require("node:child_process");
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
console.log("arguments " + JSON.stringify(process.argv.slice(2)));
console.log("pids " + [process.ppid, process.pid, child.pid].join(" ") + ".");
setInterval(() => {}, 1000);
`;
writeFileSync(join(dir, "tree.js"), tree);
writeFileSync(
  join(dir, "package.json"),
  JSON.stringify({ scripts: { start: "node tree.js" } }),
);

const run = (appId: string) =>
  cli(
    `run --app-id ${appId} --resources-path resources -- npm start --`
      .split(" ")
      .concat("a b", "c & d"),
    { cwd: dir },
  );

const treeOf = async (started: CliRun): Promise<number[]> => {
  await waitFor("the process IDs", () => /pids [\d ]+\./.test(started.out));
  const pids = /pids ([\d ]+)\./.exec(started.out)![1]!.split(" ").map(Number);
  expect(pids.map(isRunning)).toEqual([true, true, true]);
  return pids;
};

test("`dapr stop` ends it, and its arguments came as they were typed", async () => {
  const appId = `tree-${process.pid}`;
  const started = run(appId);
  const pids = await treeOf(started);
  expect(started.out).toContain('arguments ["a b","c & d"]');
  const stop = cli(["stop", "--app-id", appId]);
  expect(await stop.exit).toBe(0);
  expect(stop.out).toContain(`app stopped successfully: ${appId}`);
  await started.exit;
  await gone(pids);
});

test("it ends if `dapr run` is killed", async () => {
  const started = run(`killed-tree-${process.pid}`);
  const pids = await treeOf(started);
  started.signal("SIGKILL");
  await started.exit;
  await gone(pids);
});
