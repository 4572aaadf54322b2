/** Looks whether there is a cluster with Dapr in it that the user may look at. */
import {
  injectedLabel,
  injector,
  operator,
} from "../../../kubernetes/names.ts";
import { CommandError } from "../../command.ts";
import type { Io } from "../../io.ts";
import { checkNamespace } from "../../kubernetes/check-flags.ts";
import {
  isForbidden,
  kubectl,
  listObjects,
  reachCluster,
  stayInContext,
  type Where,
} from "../../kubernetes/kubectl.ts";
import { PodSidecars } from "./pod-sidecars.ts";

/** Rejects with who or what is missing. */
export async function openCluster(
  namespace: string,
  io: Io,
): Promise<PodSidecars> {
  checkNamespace(namespace);
  const cluster = await stayInContext();
  await reachCluster();
  await findControlPlane(namespace, io);
  // In a pod there is no context.
  const home = cluster ? await contextNamespace() : "default";
  return new PodSidecars(cluster, await whereAllowed(home, io), home);
}

async function findControlPlane(namespace: string, io: Io): Promise<void> {
  const podsIn = (where: Where) =>
    listObjects("pods", where, `app in (${operator.name},${injector.name})`);
  let elsewhere: string | undefined;
  try {
    if ((await podsIn({ namespace })).length > 0)
      return io.status(
        "info",
        `Dapr control plane found in namespace:\t${namespace}`,
      );
    elsewhere = (await podsIn("all"))[0]?.metadata.namespace;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return io.status(
      "warning",
      `Whether Dapr is in namespace ${namespace} can't be seen: ${(error as Error).message}`,
    );
  }
  throw new CommandError(
    `no Dapr control plane was found in namespace ${namespace}: ${
      elsewhere
        ? `it is in namespace ${elsewhere}: \`dapr dashboard -k -n ${elsewhere}\``
        : "`dapr init -k` installs it"
    }`,
  );
}

async function contextNamespace(): Promise<string> {
  const text = await kubectl([
    "config",
    "view",
    "--minify",
    "-o",
    "jsonpath={..namespace}",
  ]);
  return text.trim() || "default";
}

/** All namespaces, or that of the context if the user may not look at all. */
async function whereAllowed(namespace: string, io: Io): Promise<Where> {
  try {
    await listSome("all");
    return "all";
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  try {
    await listSome({ namespace });
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new CommandError(
      `the dashboard finds apps by their pods, which this user may list neither in all namespaces nor in ${namespace}, the context's: ${(error as Error).message}. It needs the rights to list pods, to get pods/log and to create pods/portforward`,
    );
  }
  io.status(
    "info",
    `This user may not list pods of all namespaces: the apps of namespace ${namespace} are shown`,
  );
  return { namespace };
}

const listSome = (where: Where): Promise<unknown> =>
  listObjects("pods", where, `${injectedLabel}=true`);
