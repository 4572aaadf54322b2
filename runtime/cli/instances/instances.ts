/**
 * Running sidecars. There is no state file: they are the processes with the
 * command line of a daprd, and they tell the rest over HTTP.
 */
import { join } from "node:path";
import { listProcesses } from "./process-list.ts";
import type { ProcessInfo } from "./process-list.ts";
import { getMetadata } from "./sidecar-http.ts";
import type { SidecarAddress } from "./sidecar-http.ts";

export interface Instance extends SidecarAddress {
  appId: string;
  grpcPort: number;
  appPort: number;
  metricsEnabled: boolean;
  daprdPid: number;
  startedMs: number;
  daprd: ProcessInfo;
  /** The `dapr run` that started it, if that still runs. */
  cli: ProcessInfo | undefined;
  /** What that CLI started. */
  startedByCli: readonly number[];
}

/** What `dapr run` has told the sidecar; blank or 0 when it does not answer. */
export interface RunDetails {
  command: string;
  /** 0 if it is not a process that the CLI started, by the system's own list. */
  appPid: number;
  /** In place of `appPid`: of a process that the CLI has started, by what it told the sidecar, but that is not among its own in the list. */
  leftPid: number;
  runTemplatePath: string;
  runTemplateName: string;
  appLogPath: string;
  daprdLogPath: string;
}

/** `folder`: of its socket; empty to use what the sidecar's command line says. */
export const addressOf = (
  instance: Instance,
  folder: string,
): SidecarAddress =>
  folder
    ? {
        httpPort: instance.httpPort,
        socketPath: join(folder, `dapr-${instance.appId}-http.socket`),
      }
    : instance;

export async function findInstances(): Promise<Instance[]> {
  return instancesAmong(await listProcesses());
}

export function instancesAmong(processes: readonly ProcessInfo[]): Instance[] {
  const byPid = new Map(processes.map((info) => [info.pid, info]));
  const sidecars = processes.flatMap((info) => {
    const instance = readInstance(info, byPid);
    return instance ? [{ info, instance }] : [];
  });
  // A launcher on an older Node has the sidecar as its child, with the same arguments.
  const launchers = new Set(sidecars.map(({ info }) => info.parent));
  return sidecars
    .filter(({ info }) => !launchers.has(info.pid))
    .map(({ instance }) => instance)
    .sort((a, b) => a.startedMs - b.startedMs || a.daprdPid - b.daprdPid);
}

function readInstance(
  info: ProcessInfo,
  byPid: ReadonlyMap<number, ProcessInfo>,
): Instance | undefined {
  const args = argsOf("daprd", info);
  const appId = args && flagValue(args, "app-id");
  if (!args || !appId) return undefined;
  const folder = flagValue(args, "unix-domain-socket");
  return {
    appId,
    httpPort: Number(flagValue(args, "dapr-http-port") ?? 3500),
    grpcPort: Number(flagValue(args, "dapr-grpc-port") ?? 50001),
    appPort: Number(flagValue(args, "app-port") ?? 0),
    metricsEnabled: flagValue(args, "enable-metrics") !== "false",
    socketPath: folder ? `${folder}/dapr-${appId}-http.socket` : undefined,
    daprdPid: info.pid,
    startedMs: info.startedMs,
    daprd: info,
    ...runOf(info, byPid),
  };
}

/** The system says who started the sidecar; what somebody told the sidecar does not count. */
function runOf(
  daprd: ProcessInfo,
  byPid: ReadonlyMap<number, ProcessInfo>,
): Pick<Instance, "cli" | "startedByCli"> {
  const seen = new Set<number>();
  let above = byPid.get(daprd.parent);
  while (above && !argsOf("dapr", above)?.includes("run")) {
    // Windows keeps the ID of a parent that has ended. Another process may have that ID by now, even a child.
    if (seen.has(above.pid)) return { cli: undefined, startedByCli: [] };
    seen.add(above.pid);
    above = byPid.get(above.parent);
  }
  if (!above || above.startedMs > daprd.startedMs)
    return { cli: undefined, startedByCli: [] };
  const cli = above;
  return {
    cli,
    startedByCli: [...byPid.values()]
      .filter(({ parent, pid }) => parent === cli.pid && pid !== daprd.pid)
      .map(({ pid }) => pid),
  };
}

/** The arguments after the program's name, if the process is that program: a binary of this name, or our script in Node. */
function argsOf(
  program: "dapr" | "daprd",
  { name, args }: ProcessInfo,
): string[] | undefined {
  if (name === program) return args.slice(1);
  if (!/^node(\.exe)?$/i.test(baseName(args[0] ?? ""))) return undefined;
  // Without options before it the first word is the script, whatever its name.
  const script = args[1]?.startsWith("-") ? args.findIndex(isScript) : 1;
  if (args.slice(1, Math.max(script, 1)).some(isCode)) return undefined;
  const [file, ending = ""] = baseName(args[script] ?? "").split(".");
  return file === program && ["", "js", "ts"].includes(ending)
    ? args.slice(script + 1)
    : undefined;
}

/** With these, Node runs a text, and the words behind it belong to the text. */
const isCode = (arg: string) =>
  /^(-e|-p|-pe|--eval|--print|--run|--test)(=|$)/.test(arg);

const preloads = ["-r", "--require", "--import", "--loader"];

/** The names of our script; the command of a package has no file ending. */
const isScript = (arg: string, at: number, args: readonly string[]) =>
  at > 0 &&
  !arg.startsWith("-") &&
  !preloads.includes(args[at - 1]!) &&
  (/\.[cm]?[jt]s$/.test(arg) || /^daprd?$/.test(baseName(arg)));

const baseName = (path: string) => path.split(/[/\\]/).at(-1)!;

/** `--k v`, `--k=v`, and the same with one dash, which daprd takes as well. */
function flagValue(args: readonly string[], name: string): string | undefined {
  for (const [at, arg] of args.entries()) {
    const bare = arg.replace(/^--?/, "");
    if (bare === arg) continue;
    if (bare === name) return args[at + 1];
    if (bare.startsWith(`${name}=`)) return bare.slice(name.length + 1);
  }
  return undefined;
}

/** Whether this metadata is of a sidecar of that app, started by one of these CLIs; 0 is a sidecar that no CLI has told so. */
export function isAnswerOf(
  { id, extended }: Record<string, unknown>,
  appId: string,
  cliPids: readonly number[],
): boolean {
  const cliPid = (extended as Record<string, unknown> | undefined)?.["cliPID"];
  return id === appId && cliPids.includes(Number(cliPid ?? 0));
}

/** What the sidecar tells of itself; undefined if it does not answer, or another one does. */
export async function metadataOf(
  instance: Instance,
): Promise<Record<string, unknown> | undefined> {
  try {
    const metadata = await getMetadata(instance);
    const { appId, cli } = instance;
    // A sidecar in a container has its port there. On this machine another one may answer on that port, even one of the same ID.
    return isAnswerOf(metadata, appId, [cli?.pid ?? 0]) ? metadata : undefined;
  } catch {
    return undefined; // it hangs, or is just starting
  }
}

export const runDetails = async (instance: Instance): Promise<RunDetails> =>
  detailsIn(await metadataOf(instance), instance);

export function detailsIn(
  metadata: Record<string, unknown> | undefined,
  { cli, startedByCli }: Instance,
): RunDetails {
  const told = (key: string) => {
    const value = (
      metadata?.["extended"] as Record<string, unknown> | undefined
    )?.[key];
    return typeof value === "string" ? value : "";
  };
  const appPid = Number(told("appPID"));
  return {
    command: told("appCommand"),
    appPid: startedByCli.includes(appPid) ? appPid : 0,
    leftPid: cli && appPid > 0 && !startedByCli.includes(appPid) ? appPid : 0,
    runTemplatePath: told("runTemplatePath"),
    runTemplateName: told("runTemplateName"),
    appLogPath: told("appLogPath"),
    daprdLogPath: told("daprdLogPath"),
  };
}
