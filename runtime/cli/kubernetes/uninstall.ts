/** `dapr uninstall -k`: takes the control plane out of the cluster again. */
import { installation, toYaml } from "../../kubernetes/manifests/install.ts";
import { defaultInstall } from "../../kubernetes/manifests/options.ts";
import type { KubernetesObject } from "../../kubernetes/objects.ts";
import { CommandError, command } from "../command.ts";
import { sayNotYet } from "../not-yet.ts";
import { about } from "./about.ts";
import { devObjects } from "./dev.ts";
import { installed } from "./installed.ts";
import { kubectl, reachCluster } from "./kubectl.ts";

export const uninstall = command(
  "uninstall",
  about.uninstall,
  {
    kubernetes: {
      type: "bool",
      short: "k",
      about: "Remove it from Kubernetes",
    },
    all: {
      type: "bool",
      about:
        "Also the custom resource definitions, and so every component in the cluster",
    },
    dev: { type: "bool", about: "Also what `dapr init -k --dev` added" },
    namespace: {
      type: "string",
      short: "n",
      default: "dapr-system",
      about: "The control plane's namespace",
    },
    timeout: { type: "int", default: 300, about: "Seconds to wait" },
  },
  { usage: "-k [flags]" },
  async ({ flags, given, io }) => {
    if (!flags.kubernetes) return sayNotYet("uninstall", io);
    await reachCluster();
    const found = await installed();
    const namespace =
      found && !given.has("namespace") ? found.namespace : flags.namespace;
    if (found && found.namespace !== namespace)
      throw new CommandError(
        `Dapr is installed in namespace ${found.namespace}, not in ${namespace}`,
      );
    io.status("info", "Removing Dapr from your cluster...");
    const { crds, rest } = installation({ ...defaultInstall(""), namespace });
    if (!found)
      io.status(
        "warning",
        `WARNING: dapr release does not exist in namespace ${namespace}: removing what may be left of one`,
      );
    if (flags.dev) await remove(devObjects(false), flags.timeout);
    // The webhook first: from then on pods start without it. The namespace goes with all that is in it.
    await remove(rest.toReversed(), flags.timeout);
    if (flags.all) await remove(crds, flags.timeout);
    io.status("success", "Dapr has been removed successfully");
    return 0;
  },
);

/** Deletes what is there, waits until it is gone. A kind whose CRD is gone has no objects either. */
async function remove(objects: KubernetesObject[], timeoutSeconds: number) {
  const kinds = new Set(
    (await kubectl(["api-resources", "-o", "name"])).split("\n"),
  );
  const known = objects.filter(
    ({ apiVersion, kind }) =>
      apiVersion !== "dapr.io/v1alpha1" ||
      kinds.has(`${kind!.toLowerCase()}s.dapr.io`),
  );
  await kubectl(
    [
      "delete",
      "--ignore-not-found",
      "--wait",
      `--timeout=${timeoutSeconds}s`,
      "-f",
      "-",
    ],
    { input: toYaml(known) },
  );
}
