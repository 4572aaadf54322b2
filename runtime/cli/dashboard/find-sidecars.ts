/** The sidecars that run on this machine, and what they tell of themselves. */
import {
  detailsIn,
  findInstances,
  metadataOf,
  type Instance,
  type RunDetails,
} from "../instances/instances.ts";
import { readWatchToken } from "../instances/watch-tokens.ts";

export interface Sidecar {
  instance: Instance;
  details: RunDetails;
  /** Undefined if it has not answered yet. */
  metadata: Record<string, unknown> | undefined;
  /** By which it may be watched. */
  token: string | undefined;
}

/** Which ones. */
export interface Sought {
  /** `<dapr>`, where `dapr run` keeps the tokens of its sidecars. */
  home: string;
  /** Only the apps of this run file, by its absolute path; empty: all. */
  runFile: string;
}

/** The oldest first. `known`: what a sidecar told before, as one that is busy is still what it was. */
export async function findSidecars(
  { home, runFile }: Sought,
  known: (instance: Instance) => Sidecar["metadata"],
): Promise<Sidecar[]> {
  const all = await Promise.all(
    (await findInstances()).map(async (instance) => {
      const metadata = (await metadataOf(instance)) ?? known(instance);
      return {
        instance,
        metadata,
        details: detailsIn(metadata, instance),
        token: readWatchToken(instance, home),
      };
    }),
  );
  return runFile ? all.filter(isOfRun(all, runFile)) : all;
}

/** One `dapr run -f` starts all apps of its file. So those belong to it, too, that have not been told the file yet. */
function isOfRun(all: readonly Sidecar[], runFile: string) {
  const runs = new Set(
    all
      .filter(({ details }) => details.runTemplatePath === runFile)
      .map(({ instance }) => instance.cli?.pid),
  );
  return ({ instance: { cli } }: Sidecar) =>
    cli !== undefined && runs.has(cli.pid);
}
