/** `dapr stop`: ends apps by ID, or the run of a run file. */
import { setTimeout as delay } from "node:timers/promises";
import { command } from "../command.ts";
import { isAlive, killCommand } from "../../shared/process/group.ts";
import { startOf } from "../../shared/process/start.ts";
import { findInstances, runDetails } from "../instances/instances.ts";
import type { Instance, RunDetails } from "../instances/instances.ts";
import type { Io } from "../io.ts";
import type { ProcessInfo } from "../instances/process-list.ts";
import { findRunFile } from "../run/run-file.ts";
import { postShutdown } from "../instances/sidecar-http.ts";

type Running = Instance & RunDetails;

/** Time for an app, its sidecar and their CLI to end, one after the other. The CLI kills both within 13 s; a busy machine takes longer over it. */
const patienceMs = 60_000;

const examples = `
# The app and its sidecar
dapr stop --app-id myapp

# Several
dapr stop myapp otherapp

# All apps of a run file
dapr stop -f dapr.yaml
`;

export const stop = command(
  "stop",
  "Stop a running app and its sidecar",
  {
    "app-id": {
      type: "string",
      short: "a",
      takes: "app",
      about: "The ID of the app to stop",
    },
    "run-file": {
      type: "string",
      short: "f",
      takes: "file",
      about: "Stop all apps started from this run file",
    },
    kubernetes: {
      type: "bool",
      short: "k",
      about: "With -f: delete what `dapr run -k -f` has deployed",
    },
  },
  {
    usage: "[flags] [app ID...]",
    takes: "app",
    examples,
    notes:
      "The exit code is 0 even if an app was not found, as scripts written for the original expect.",
  },
  async ({ flags, words, io }) => {
    if (flags.kubernetes) {
      const { stopInCluster } = await import("../kubernetes/run-file.ts");
      return stopInCluster(flags, io);
    }
    const instances = await findInstances();
    const running = await Promise.all(
      instances.map(async (instance) => ({
        ...instance,
        ...(await runDetails(instance)),
      })),
    );
    if (flags["run-file"]) await stopFile(flags["run-file"], running, io);
    else
      for (const id of flags["app-id"] ? [flags["app-id"]] : words)
        await stopApp(id, running, io);
    return 0;
  },
);

async function stopApp(id: string, running: readonly Running[], io: Io) {
  const found = running.filter((one) => one.appId === id);
  const failed = (why: string) =>
    io.status("failure", `failed to stop app id ${id}: ${why}`);
  if (found.length === 0) return failed(`couldn't find app id ${id}`);
  // One CLI may run several apps (a run file). The others must stay, so only this sidecar is ended.
  const others = new Set(
    running.filter((one) => one.appId !== id).map((one) => one.cli?.pid),
  );
  try {
    await askEach(found, ({ cli, daprd }) =>
      cli && !others.has(cli.pid) ? cli : daprd,
    );
    if (found.length > 1)
      io.status("info", `${found.length} apps had the ID "${id}"; all stopped`);
    io.status("success", `app stopped successfully: ${id}`);
  } catch (error) {
    failed((error as Error).message);
  }
}

async function stopFile(argument: string, running: readonly Running[], io: Io) {
  try {
    const path = await findRunFile(argument);
    const found = running.filter(
      (one) => one.runTemplatePath === path && one.cli,
    );
    if (found.length === 0)
      throw new Error(
        `couldn't find apps with run file ${JSON.stringify(path)}`,
      );
    await askEach(found, ({ cli }) => cli!);
    io.status("success", "Dapr and app processes stopped successfully");
  } catch (error) {
    io.status(
      "failure",
      `Failed to stop Dapr and app processes: ${(error as Error).message}`,
    );
  }
}

/** Asks each process once; each comes with the sidecars on whose behalf it is asked. */
async function askEach(
  instances: readonly Running[],
  targetOf: (instance: Running) => ProcessInfo,
) {
  const targets = Map.groupBy(instances, (one) => targetOf(one).pid);
  for (const group of targets.values()) await ask(targetOf(group[0]!), group);
}

/** Asks a process to end and waits until it has, so that the next program finds the ports free. */
async function ask(
  { pid, started }: ProcessInfo,
  sidecars: readonly Running[],
) {
  // Another process may have the ID by now.
  const isThere = async () => isAlive(pid) && (await startOf(pid)) === started;
  if (!(await isThere())) return;
  // Windows has no SIGTERM; when its sidecar ends, the CLI ends the app and itself.
  if (process.platform === "win32")
    await Promise.all(sidecars.map(postShutdown));
  else askToEnd(pid);
  const deadline = Date.now() + patienceMs;
  while (await isThere()) {
    if (Date.now() > deadline)
      throw new Error(
        `process ${pid} is still running ${patienceMs / 1000} s after it was asked to end: end it with \`${killCommand(pid)}\``,
      );
    await delay(25);
  }
}

function askToEnd(pid: number) {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    // It had ended already.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
