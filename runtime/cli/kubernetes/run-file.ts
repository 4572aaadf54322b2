/** `dapr run -k -f` and `stop -k -f`: the apps of a run file as Deployments, with their logs here. */
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, UsageError, type CommandInput } from "../command.ts";
import { aborted, type StopWish } from "../ending.ts";
import type { Io } from "../io.ts";
import { openRunFile } from "../run/open-run-file.ts";
import type { RunApp } from "../run/run-file-app.ts";
import type { runFlags } from "../run/run-flags.ts";
import {
  appNamespace,
  checkApp,
  deploymentOf,
  serviceOf,
} from "./app-manifests.ts";
import { followApp } from "./follow-app.ts";
import { isThere, kubectl, reachCluster } from "./kubectl.ts";
import { withoutOthers } from "./ownership.ts";
import { rolledOut } from "./rollout.ts";

const rolloutMs = 300_000;

export async function runInCluster(
  { flags, io }: CommandInput<typeof runFlags>,
  stop: StopWish,
): Promise<number> {
  const argument = needFile(flags["run-file"]);
  const file = await openRunFile(argument, flags["runtime-path"], io);
  if (!file) return 1;
  for (const app of file.apps)
    try {
      checkApp(app);
    } catch (error) {
      throw new CommandError(
        `Error validating run config for app "${app.spec["app-id"]}" present in ${file.path}: ${(error as Error).message}`,
      );
    }
  io.status(
    "info",
    "This is a preview feature and subject to change in future releases.",
  );
  await reachCluster();
  const hasConfig = await isThere(
    "configurations.dapr.io/appconfig",
    appNamespace,
  );
  const deployed: RunApp[] = [];
  try {
    for (const app of file.apps) {
      if (stop.asked.aborted) break;
      await deploy(app, hasConfig, deployed, io);
    }
    await follow(deployed, io, stop);
  } finally {
    await removeAll(deployed, io);
  }
  return 0;
}

export async function stopInCluster(
  flags: { "run-file": string; "runtime-path": string },
  io: Io,
): Promise<number> {
  const argument = needFile(flags["run-file"]);
  const file = await openRunFile(argument, flags["runtime-path"], io);
  if (!file) return 1;
  await reachCluster();
  const there = file.apps.filter((app) => existsSync(pathsOf(app).deployment));
  if (there.length === 0)
    throw new CommandError(
      "Failed to stop Dapr and app processes: nothing of this file was deployed by `dapr run -k -f`",
    );
  await removeAll(there, io);
  io.status("success", "Dapr and app processes stopped successfully");
  return 0;
}

function needFile(argument: string): string {
  if (argument) return argument;
  throw new UsageError("-k needs the run file of the apps: -f dapr.yaml");
}

function pathsOf({ dir }: RunApp) {
  const folder = join(dir, ".dapr", "deploy");
  return {
    folder,
    deployment: join(folder, "deployment.yaml"),
    service: join(folder, "service.yaml"),
  };
}

/** An app of which something is in the cluster is added to `deployed`, also when this throws. */
async function deploy(
  app: RunApp,
  hasConfig: boolean,
  deployed: RunApp[],
  io: Io,
) {
  const { spec, container } = app;
  const id = spec["app-id"];
  const { stringify } = await import("yaml");
  const { folder, deployment, service } = pathsOf(app);
  await mkdir(folder, { recursive: true });
  io.status("info", `Deploying app "${id}" to Kubernetes`);
  const objects = [
    deploymentOf(app, hasConfig),
    ...(container.createService ? [serviceOf(app)] : []),
  ];
  if ((await withoutOthers(objects, io)).length < objects.length)
    throw new CommandError(
      `the cluster has a Deployment or Service ${id} that \`dapr run -k\` did not make: give the app another appID`,
    );
  deployed.push(app);
  await rm(service, { force: true });
  await writeFile(deployment, stringify(objects[0]));
  io.status("info", `Deploying deployment YAML "${deployment}" to Kubernetes`);
  await kubectl(["apply", "-f", deployment]);
  if (container.createService) {
    await writeFile(service, stringify(objects[1]));
    io.status("info", `Deploying service YAML "${service}" to Kubernetes`);
    await kubectl(["apply", "-f", service]);
  }
  await rolledOut(id, {
    namespace: appNamespace,
    image: container.image,
    until: Date.now() + rolloutMs,
  });
}

/** Until the user stops it, or no Deployment is left. */
async function follow(apps: readonly RunApp[], io: Io, stop: StopWish) {
  const over = new AbortController();
  const following = apps.map((app, at) => followApp(app, at, io, over.signal));
  io.status("info", "Starting to monitor Kubernetes pods for deletion.");
  try {
    await Promise.race([aborted(stop.asked), Promise.all(following)]);
  } finally {
    over.abort();
    await Promise.allSettled(following);
  }
  if (stop.asked.aborted)
    io.status(
      "info",
      "Received signal to stop. Deleting K8s Dapr app deployments.",
    );
}

async function removeAll(apps: readonly RunApp[], io: Io) {
  for (const app of apps) {
    const { deployment, service } = pathsOf(app);
    for (const path of [service, deployment]) {
      if (!existsSync(path)) continue;
      io.status("info", `Deleting "${path}" from Kubernetes`);
      await kubectl(["delete", "--ignore-not-found", "-f", path]);
    }
  }
}
