/** `dapr uninstall` on this machine: removes what `dapr init` made; with `--all` the whole folder and the containers. */
import { existsSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { CommandError } from "../command.ts";
import { daprHome } from "../home.ts";
import { findInstances } from "../instances/instances.ts";
import type { Io } from "../io.ts";
import {
  containerRuntime,
  reachEngine,
  type ContainerRuntime,
} from "./container-runtime.ts";
import { containerName, redisName, stateOf, zipkinName } from "./containers.ts";
import { binFolder, removeDaprd } from "./installed-daprd.ts";

export interface UninstallFlags {
  all: boolean;
  network: string;
  "container-runtime": string;
  "runtime-path": string;
}

export async function uninstallHere(
  flags: UninstallFlags,
  io: Io,
): Promise<number> {
  const home = daprHome(flags["runtime-path"]);
  const runtime = containerRuntime(flags["container-runtime"]);
  io.status("info", "Removing Dapr from your machine...");
  const running = (await findInstances()).map(({ appId }) => appId);
  if (running.length > 0)
    io.status(
      "warning",
      `Apps are still running: ${running.join(", ")}. \`dapr stop\` ends them.`,
    );
  try {
    await removeBin(home, io);
    if (flags.all) {
      await removeContainers(runtime, flags.network, io);
      await removeFolder(home, io);
    }
  } catch (error) {
    throw new CommandError(`Error removing Dapr: ${(error as Error).message}`);
  }
  io.status("success", "Dapr has been removed successfully");
  return 0;
}

/** Another program in that folder is not ours to remove. */
async function removeBin(home: string, io: Io) {
  const bin = binFolder(home);
  if (!existsSync(bin))
    return io.status("warning", `WARNING: ${bin} does not exist`);
  io.status("info", `Removing directory: ${bin}`);
  await removeDaprd(home);
  const left = await readdir(bin);
  if (left.length === 0) await rmdir(bin);
  else
    io.status(
      "warning",
      `${bin} stays, as other programs are in it: ${left.join(", ")}. --all removes them too.`,
    );
}

async function removeContainers(
  runtime: ContainerRuntime,
  network: string,
  io: Io,
) {
  try {
    await reachEngine(runtime);
  } catch {
    return io.status(
      "warning",
      `WARNING: ${runtime.name} does not answer, so no container was looked for`,
    );
  }
  for (const base of [redisName, zipkinName]) {
    const name = containerName(base, network);
    if (await stateOf(runtime, name)) {
      io.status("info", `Removing container: ${name}`);
      await runtime.run("rm", "--force", name);
    } else io.status("warning", `WARNING: ${name} container does not exist`);
  }
}

async function removeFolder(home: string, io: Io) {
  if (!existsSync(home))
    return io.status("warning", `WARNING: ${home} does not exist`);
  io.status("info", `Removing directory: ${home}`);
  await rm(home, { recursive: true });
}
