/** `dapr logs -k -a ID`: what an app's sidecar has logged. */
import { CommandError, command } from "../command.ts";
import { about } from "./about.ts";
import { checkNamespace } from "./check-flags.ts";
import { kubectl, listObjects } from "./kubectl.ts";
import { argOf, sidecarOf, type Pod } from "./pods.ts";

export const logs = command(
  "logs",
  about.logs,
  {
    kubernetes: {
      type: "bool",
      short: "k",
      required: true,
      about: "Get it from Kubernetes",
    },
    "app-id": {
      type: "string",
      short: "a",
      required: true,
      about: "The ID of the app",
    },
    "pod-name": {
      type: "string",
      short: "p",
      about: "The pod, if the app has several",
    },
    namespace: {
      type: "string",
      short: "n",
      default: "default",
      about: "The app's namespace",
    },
  },
  { examples: "\n# The log of one app's sidecar\ndapr logs -k -a nodeapp\n" },
  async ({ flags, io }) => {
    const { namespace } = flags;
    checkNamespace(namespace);
    const pods = await listObjects<Pod>("pods", { namespace });
    const pod = pods.find((candidate) => {
      const sidecar = sidecarOf(candidate);
      return (
        sidecar !== undefined &&
        argOf(sidecar, "--app-id") === flags["app-id"] &&
        (flags["pod-name"] === "" ||
          candidate.metadata.name === flags["pod-name"])
      );
    });
    if (!pod)
      throw new CommandError(
        `could not get logs. Please check app-id (${flags["app-id"]}) and namespace (${namespace})`,
      );
    const text = await kubectl([
      "logs",
      "-n",
      namespace,
      pod.metadata.name,
      "-c",
      "daprd",
    ]);
    process.stdout.write(text);
    io.status("success", "Fetched logs");
    return 0;
  },
);
