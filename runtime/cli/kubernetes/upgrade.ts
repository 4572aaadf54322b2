/** `dapr upgrade -k`: another version of the control plane; sidecars follow when their pods are made anew. */
import { CommandError, command } from "../command.ts";
import { about } from "./about.ts";
import { install } from "./install.ts";
import { defaultImage, installFlags, installOptions } from "./install-flags.ts";
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
    const image = given.has("image")
      ? flags.image
      : defaultImage.replace(/:[^:]*$/, `:${version}`);
    await reachCluster();
    io.status("info", "Starting upgrade...");
    try {
      await install(
        installOptions({ ...flags, image }),
        flags.timeout * 1000,
        io,
      );
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
