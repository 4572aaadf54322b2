/** `dapr logs`: what the sidecar of an app has logged, on this machine or with `-k` in a cluster. */
import { command, type FlagTable } from "../command.ts";
import { printPodLog } from "../kubernetes/logs.ts";
import { printLogHere } from "../standalone/logs.ts";
import { about } from "./about.ts";
import { sayMisplaced } from "./misplaced-flags.ts";

const inCluster = {
  "pod-name": {
    type: "string",
    short: "p",
    about: "With -k: the pod, if the app has several",
  },
  namespace: {
    type: "string",
    short: "n",
    default: "default",
    about: "With -k: the app's namespace",
  },
} as const satisfies FlagTable;

const here = {
  app: { type: "bool", about: "Without -k: the app's own lines instead" },
} as const satisfies FlagTable;

export const logs = command(
  "logs",
  about.logs,
  {
    kubernetes: { type: "bool", short: "k", about: "Get it from Kubernetes" },
    "app-id": {
      type: "string",
      short: "a",
      takes: "app",
      required: true,
      about: "The ID of the app",
    },
    ...inCluster,
    ...here,
  },
  {
    examples: `
# The sidecar's log of an app of a run file
dapr logs -a nodeapp

# In a cluster
dapr logs -k -a nodeapp
`,
    notes:
      "Without -k the log is the newest in .dapr/logs of the app's folder, where `dapr run -f` writes it; `dapr run` of one app prints it instead.",
  },
  ({ flags, given, io }) => {
    if (flags.kubernetes) {
      sayMisplaced(given, here, "with -k", io);
      return printPodLog(flags, io);
    }
    sayMisplaced(given, inCluster, "without -k", io);
    return printLogHere(flags["app-id"], flags.app ? "app" : "daprd", io);
  },
);
