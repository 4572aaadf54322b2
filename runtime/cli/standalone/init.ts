/** `dapr init` on this machine: a folder with components that need nothing installed. It can be run again at any time. */
import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "../../shared/files/make-folder.ts";
import { isFresh, replaceFile } from "../../shared/files/replace-file.ts";
import { daprVersion } from "../../shared/version.ts";
import { trimEnd } from "../../shared/trim-end.ts";
import { CommandError, type FlagTable, type FlagValues } from "../command.ts";
import { daprHome, defaultComponents } from "../home.ts";
import type { Io } from "../io.ts";
import {
  containerFlags,
  containerRuntime,
  reachEngine,
} from "./container-runtime.ts";
import {
  containerName,
  redis,
  redisStack,
  startServer,
  zipkin,
} from "./containers.ts";
import { homeFiles, type HomeFile } from "./home-files.ts";
import { binFolder, installDaprd } from "./installed-daprd.ts";

/** Of the original, for what this CLI does not download or start; each is named if it is given. */
const withoutEffect = {
  "from-dir": { type: "string", about: "A folder of downloaded binaries" },
  "scheduler-volume": { type: "string", about: "The scheduler's volume" },
  "scheduler-override-broadcast-host-port": {
    type: "string",
    about: "The scheduler's address",
  },
  "dashboard-version": { type: "string", about: "The dashboard's version" },
} as const satisfies FlagTable;

export const standaloneInitFlags = {
  slim: {
    type: "bool",
    short: "s",
    about: "Without components and containers",
  },
  redis: {
    type: "bool",
    about: "Keep state and messages in Redis, in a container",
  },
  "redis-stack": {
    type: "bool",
    about: "The same with Redis Stack, whose queries state.redis can use",
  },
  zipkin: { type: "bool", about: "Zipkin for traces, in a container" },
  ...containerFlags,
  ...withoutEffect,
} as const satisfies FlagTable;

type Flags = FlagValues<typeof standaloneInitFlags> & {
  "runtime-path": string;
  "runtime-version": string;
  "image-registry": string;
  "image-variant": string;
};

export async function initHere(
  flags: Flags,
  given: ReadonlySet<string>,
  io: Io,
): Promise<number> {
  const home = daprHome(flags["runtime-path"]);
  const withRedis = flags.redis || flags["redis-stack"];
  if (flags.slim && (withRedis || flags.zipkin))
    throw new CommandError(
      "--slim is without containers: leave it out, or --redis, --redis-stack and --zipkin",
    );
  const runtime = containerRuntime(flags["container-runtime"]);
  const servers = [
    ...(withRedis ? [flags["redis-stack"] ? redisStack : redis] : []),
    ...(flags.zipkin ? [zipkin] : []),
  ];
  const registry = trimEnd(flags["image-registry"], "/");
  io.status("pending", "Making the jump to hyperspace...");
  if (servers.length > 0) {
    io.status(
      "info",
      `Container images will be pulled from ${registry || "Docker Hub"}`,
    );
    await reachEngine(runtime);
  }
  io.status("info", `Installing runtime version ${daprVersion}`);
  sayWithoutEffect(flags, given, io);
  io.status("success", "Setting up components...");
  const { network } = flags;
  for (const server of servers)
    await startServer(runtime, server, { network, registry });
  await writeFiles(home, flags, io);
  io.status(
    "success",
    `Completed components set up.${servers.length > 0 ? "" : " Nothing was downloaded."}`,
  );
  await sayDaprd(home, io);
  for (const { name } of servers)
    io.status("info", `${containerName(name, network)} container is running.`);
  if (servers.length > 0)
    io.status(
      "info",
      `Use \`${runtime.name} ps\` to check running containers.`,
    );
  io.status(
    "success",
    "Success! Dapr is up and running. To get started, go here: https://docs.dapr.io/getting-started",
  );
  return 0;
}

function sayWithoutEffect(flags: Flags, given: ReadonlySet<string>, io: Io) {
  const names = [...Object.keys(withoutEffect), "image-variant"].filter(
    (name) => given.has(name),
  );
  const version = flags["runtime-version"].replace(/^v/, "");
  if (version && version !== "latest" && version !== daprVersion)
    names.push("runtime-version");
  if (names.length > 0)
    io.status(
      "warning",
      `Without effect here, as the sidecar belongs to this CLI and there are no other services: ${names.map((name) => `--${name}`).join(", ")}`,
    );
}

/** Makes what is missing. What the user has changed stays. */
async function writeFiles(home: string, flags: Flags, io: Io) {
  try {
    makeFolder(defaultComponents(home));
    for (const folder of [home, defaultComponents(home)])
      await removeLeftOver(folder);
    for (const file of homeFiles(home, {
      redis: flags.redis || flags["redis-stack"],
      zipkin: flags.zipkin,
      network: flags.network !== "",
      slim: flags.slim,
    }))
      await writeUnlessOwn(file, io);
  } catch (error) {
    throw new CommandError(
      `error setting up ${home}: ${(error as Error).message}`,
    );
  }
}

/** An `init` that was killed may have left a file under its first name. A young one may be that of another `init`. */
const leftOverMs = 60_000;

async function removeLeftOver(folder: string) {
  for (const name of (await readdir(folder)).filter(isFresh)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined); // it has its real name by now
    if (found && Date.now() - found.mtimeMs > leftOverMs)
      await rm(path, { force: true });
  }
}

async function writeUnlessOwn({ path, text, others }: HomeFile, io: Io) {
  if (existsSync(path)) {
    const found = await readFile(path, "utf8");
    if (found === text) return;
    if (!others.includes(found)) {
      io.status("info", `${path} exists already and stays as it is`);
      return;
    }
  }
  makeFolder(dirname(path));
  await replaceFile(path, text, { isPrecious: true });
  io.status("info", `Created ${path}`);
}

async function sayDaprd(home: string, io: Io) {
  const result = await installDaprd(home);
  if (result === "another's")
    io.status(
      "warning",
      `${join(binFolder(home), "daprd")} is another program's and stays. \`dapr run\` starts this CLI's own sidecar unless DAPR_DAPRD_PATH names it.`,
    );
  else if (result !== "no script")
    io.status("info", `daprd binary has been installed to ${binFolder(home)}.`);
}
