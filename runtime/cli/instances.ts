/**
 * Running sidecars. There is no state file: they are the processes whose
 * command line is a daprd's, and what else there is to know they tell over HTTP.
 */
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
}

/** What `dapr run` has told the sidecar; blank or 0 when it does not answer. */
export interface RunDetails {
  command: string;
  cliPid: number;
  appPid: number;
  runTemplatePath: string;
  runTemplateName: string;
  appLogPath: string;
  daprdLogPath: string;
}

export async function findInstances(): Promise<Instance[]> {
  return instancesAmong(await listProcesses());
}

export function instancesAmong(processes: readonly ProcessInfo[]): Instance[] {
  const sidecars = processes.flatMap((info) => {
    const instance = readInstance(info);
    return instance ? [{ info, instance }] : [];
  });
  // A launcher on an older Node has the sidecar as its child, with the same arguments.
  const launchers = new Set(sidecars.map(({ info }) => info.parent));
  return sidecars
    .filter(({ info }) => !launchers.has(info.pid))
    .map(({ instance }) => instance)
    .sort((a, b) => a.startedMs - b.startedMs || a.daprdPid - b.daprdPid);
}

function readInstance(info: ProcessInfo): Instance | undefined {
  const args = daprdArgs(info);
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
  };
}

/** The arguments after the program's name, if the program is a daprd: its own binary, or our script in Node. */
function daprdArgs({ name, args }: ProcessInfo): string[] | undefined {
  if (name === "daprd") return args.slice(1);
  if (!/^node(\.exe)?$/i.test(baseName(args[0] ?? ""))) return undefined;
  const script = args.findIndex(
    (arg, at) => at > 0 && /^daprd(\.js|\.ts)?$/.test(baseName(arg)),
  );
  return script < 0 ? undefined : args.slice(script + 1);
}

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

export async function runDetails(instance: Instance): Promise<RunDetails> {
  let extended: Record<string, string> = {};
  try {
    const metadata = await getMetadata(instance);
    extended = (metadata["extended"] ?? {}) as Record<string, string>;
  } catch {
    // A sidecar that hangs or is just starting is listed all the same, with blanks.
  }
  return {
    command: extended["appCommand"] ?? "",
    cliPid: Number(extended["cliPID"] ?? 0),
    appPid: Number(extended["appPID"] ?? 0),
    runTemplatePath: extended["runTemplatePath"] ?? "",
    runTemplateName: extended["runTemplateName"] ?? "",
    appLogPath: extended["appLogPath"] ?? "",
    daprdLogPath: extended["daprdLogPath"] ?? "",
  };
}
