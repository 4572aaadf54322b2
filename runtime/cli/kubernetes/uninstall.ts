/** `dapr uninstall -k`: takes the control plane out of the cluster again. */
import { toYaml } from "../../kubernetes/manifests/install.ts";
import { defaultInstall } from "../../kubernetes/manifests/options.ts";
import type { KubernetesObject } from "../../kubernetes/api/objects.ts";
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";
import { checkNamespace, checkTimeout } from "./check-flags.ts";
import { devObjects } from "./dev.ts";
import { parts } from "./install-flags.ts";
import { installed } from "./installed.ts";
import { kubectl, reachCluster } from "./kubectl.ts";
import { releaseNamespace } from "./namespace.ts";
import { withoutOthers } from "./ownership.ts";

export interface UninstallFlags {
  all: boolean;
  dev: boolean;
  namespace: string;
  timeout: number;
}

export async function uninstallFromCluster(
  flags: UninstallFlags,
  given: ReadonlySet<string>,
  io: Io,
): Promise<number> {
  checkNamespace(flags.namespace);
  checkTimeout(flags.timeout);
  await reachCluster();
  const found = await installed();
  const namespace =
    found && !given.has("namespace") ? found.namespace : flags.namespace;
  if (found && found.namespace !== namespace)
    throw new CommandError(
      `Dapr is installed in namespace ${found.namespace}, not in ${namespace}`,
    );
  io.status("info", "Removing Dapr from your cluster...");
  const { crds, rest } = parts({ ...defaultInstall(""), namespace });
  if (!found)
    io.status(
      "warning",
      `WARNING: dapr release does not exist in namespace ${namespace}: removing what may be left of one`,
    );
  try {
    if (flags.dev)
      await remove(
        await withoutOthers(await known(devObjects(false)), io),
        flags.timeout,
      );
    // The webhook goes first: then pods can start without it.
    await remove(rest.toReversed(), flags.timeout);
    if (flags.all) await remove(crds, flags.timeout);
    await releaseNamespace(namespace, flags.timeout, io);
  } catch (error) {
    throw new CommandError(`Error removing Dapr: ${(error as Error).message}`);
  }
  io.status("success", "Dapr has been removed successfully");
  return 0;
}

/** Without its CRD a kind has no objects, and kubectl refuses its name. */
async function known(objects: KubernetesObject[]) {
  const kinds = new Set(
    (await kubectl(["get", "customresourcedefinitions", "-o", "name"]))
      .split("\n")
      .map((name) => name.slice(name.indexOf("/") + 1)),
  );
  return objects.filter(
    ({ apiVersion, kind }) =>
      apiVersion !== "dapr.io/v1alpha1" ||
      kinds.has(`${kind!.toLowerCase()}s.dapr.io`),
  );
}

/** Deletes what is there, in the order given, and waits until it is gone. */
async function remove(objects: KubernetesObject[], timeoutSeconds: number) {
  for (const run of runs(await known(objects)))
    await kubectl(
      [
        "delete",
        "--ignore-not-found",
        // Waits for a Deployment's pods too. It does not for custom kinds: the cluster's garbage collector learns of those late.
        `--cascade=${isDeployment(run[0]!) ? "foreground" : "background"}`,
        "--wait",
        `--timeout=${timeoutSeconds}s`,
        "-f",
        "-",
      ],
      { input: toYaml(run) },
    );
}

const isDeployment = ({ kind }: KubernetesObject) => kind === "Deployment";

/** The objects in parts, cut where Deployments begin and end. */
function runs(objects: readonly KubernetesObject[]): KubernetesObject[][] {
  const parted: KubernetesObject[][] = [];
  for (const object of objects) {
    const last = parted.at(-1);
    if (last && isDeployment(last[0]!) === isDeployment(object))
      last.push(object);
    else parted.push([object]);
  }
  return parted;
}
