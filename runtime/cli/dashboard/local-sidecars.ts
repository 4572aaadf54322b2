/** The sidecars that run on this machine, and what they tell of themselves. */
import {
  detailsIn,
  findInstances,
  metadataOf,
  type Instance,
} from "../instances/instances.ts";
import { readWatchToken } from "../instances/watch-tokens.ts";
import { describeApp } from "./describe-app.ts";
import { sendLogs } from "./local-logs.ts";
import type { Metadata, Sidecar, SidecarSource } from "./sidecar.ts";

/** PowerShell takes a third of a second to list processes. */
const pollMs = process.platform === "win32" ? 10_000 : 2000;

/** Which ones. */
export interface Sought {
  /** `<dapr>`, where `dapr run` keeps the tokens of its sidecars. */
  home: string;
  /** Only the apps of this run file, by its absolute path; empty: all. */
  runFile: string;
}

interface Found {
  instance: Instance;
  metadata: Metadata | undefined;
}

export const localSidecars = ({ home, runFile }: Sought): SidecarSource => ({
  cluster: undefined,
  pollMs,
  async find(known) {
    const all = await Promise.all(
      (await findInstances()).map(async (instance) => ({
        instance,
        metadata: (await metadataOf(instance)) ?? known(keyOf(instance)),
      })),
    );
    return (runFile ? all.filter(isOfRun(all, runFile)) : all).map((found) =>
      sidecarOf(found, home),
    );
  },
  close: () => Promise.resolve(),
});

function sidecarOf({ instance, metadata }: Found, home: string): Sidecar {
  const watchToken = readWatchToken(instance, home);
  return {
    key: keyOf(instance),
    app: {
      ...describeApp(instance, metadata),
      ...(hasEnded(instance, metadata) ? { hasEnded: true } : {}),
      ...(watchToken
        ? {}
        : {
            note: "Its calls and messages are not seen: the sidecar was not started by `dapr run` of this kit.",
          }),
    },
    metadata,
    watchToken,
    reach: () => Promise.resolve(instance),
    sendLogs: (page) => sendLogs(instance, metadata, page),
  };
}

/** The processes were listed before the sidecar was asked: an app that started in between is no child in the list, but runs. */
function hasEnded(instance: Instance, metadata: Metadata | undefined): boolean {
  const { leftPid } = detailsIn(metadata, instance);
  return leftPid > 0 && !isAlive(leftPid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** The number of a process that has ended may be given to another. */
const keyOf = ({ daprdPid, startedMs }: Instance): string =>
  `${daprdPid} ${startedMs}`;

/** One `dapr run -f` starts all apps of its file. So those belong to it, too, that have not been told the file yet. */
function isOfRun(all: readonly Found[], runFile: string) {
  const runs = new Set(
    all
      .filter(
        ({ instance, metadata }) =>
          detailsIn(metadata, instance).runTemplatePath === runFile,
      )
      .map(({ instance }) => instance.cli?.pid),
  );
  return ({ instance: { cli } }: Found) =>
    cli !== undefined && runs.has(cli.pid);
}
