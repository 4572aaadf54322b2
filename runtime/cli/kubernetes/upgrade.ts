/** `dapr upgrade -k`: another version of the control plane. Sidecars follow when their pods are made anew. */
import { CommandError, command } from "../command.ts";
import { about } from "../commands/about.ts";
import { checkTimeout } from "./check-flags.ts";
import { install } from "./install.ts";
import { installFlags, installOptions } from "./install-flags.ts";
import { installed } from "./installed.ts";
import { reachCluster } from "./kubectl.ts";

export const upgrade = command(
  "upgrade",
  about.upgrade,
  {
    kubernetes: {
      type: "bool",
      short: "k",
      required: true,
      about: "Upgrade it in Kubernetes",
    },
    "runtime-version": {
      type: "string",
      required: true,
      env: "DAPR_RUNTIME_VERSION",
      about: "The tag of the image to go to, e.g. 0.1.0",
    },
    ...installFlags,
  },
  { usage: "-k --runtime-version VERSION [flags]" },
  async ({ flags, given, io }) => {
    const version = flags["runtime-version"];
    checkTimeout(flags.timeout);
    installOptions(flags); // throws on wrong options before the cluster is asked
    await reachCluster();
    const found = await installed();
    if (!found)
      throw new CommandError(
        "Dapr is not installed in this cluster; `dapr init -k` installs it",
      );
    const namespace = given.has("namespace")
      ? flags.namespace
      : found.namespace;
    if (namespace !== found.namespace)
      throw new CommandError(
        `Dapr is installed in namespace ${found.namespace}, not in ${namespace}`,
      );
    io.status("info", "Starting upgrade...");
    try {
      const options = installOptions({ ...flags, namespace }, found, true);
      await install(options, found, flags.timeout * 1000, io);
    } catch (error) {
      throw new CommandError(
        `Failed to upgrade Dapr: ${(error as Error).message}`,
      );
    }
    io.status(
      "success",
      `Dapr control plane successfully upgraded to version ${version}. Make sure your deployments are restarted to pick up the latest sidecar version.`,
    );
    return 0;
  },
);
