/** The list of commands, in the order the help shows them. */
import type { Command } from "../command.ts";
import { invoke } from "./invoke.ts";
import { about } from "./about.ts";
import { list } from "./list.ts";
import { publish } from "./publish.ts";
import { run } from "./run.ts";
import { stop } from "./stop.ts";
import { version } from "./version.ts";

/** What the help's list says of a command, and how to load the rest of it. */
export interface CommandEntry {
  name: string;
  about: string;
  load(): Promise<Command>;
}

const here = (command: Command): CommandEntry => ({
  name: command.name,
  about: command.about,
  load: async () => command,
});

/** Loaded when the command runs: the other commands start without the YAML library and the manifests. */
const lazily = (
  name: keyof typeof about,
  load: () => Promise<Command>,
): CommandEntry => ({ name, about: about[name], load });

export const commands: readonly CommandEntry[] = [
  here(run),
  here(stop),
  here(list),
  here(invoke),
  here(publish),
  lazily("init", async () => (await import("./init.ts")).init),
  lazily("uninstall", async () => (await import("./uninstall.ts")).uninstall),
  lazily("create", async () => (await import("../create/command.ts")).create),
  lazily("doctor", async () => (await import("../doctor/command.ts")).doctor),
  lazily(
    "dashboard",
    async () => (await import("../dashboard/command.ts")).dashboard,
  ),
  lazily("logs", async () => (await import("./logs.ts")).logs),
  lazily(
    "components",
    async () => (await import("./components.ts")).components,
  ),
  lazily(
    "configurations",
    async () => (await import("./configurations.ts")).configurations,
  ),
  lazily(
    "status",
    async () => (await import("../kubernetes/status.ts")).status,
  ),
  lazily("mtls", async () => (await import("../kubernetes/mtls.ts")).mtls),
  lazily(
    "annotate",
    async () => (await import("../kubernetes/annotate.ts")).annotate,
  ),
  lazily(
    "upgrade",
    async () => (await import("../kubernetes/upgrade.ts")).upgrade,
  ),
  here(version),
  lazily(
    "completion",
    async () => (await import("../completion/command.ts")).completion,
  ),
  lazily("build-info", async () => (await import("./build-info.ts")).buildInfo),
];
