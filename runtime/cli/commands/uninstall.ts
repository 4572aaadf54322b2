/** `dapr uninstall`: what `dapr init` made, on this machine or with `-k` in a cluster. */
import { command, type FlagTable } from "../command.ts";
import { uninstallFromCluster } from "../kubernetes/uninstall.ts";
import { containerFlags } from "../standalone/container-runtime.ts";
import { uninstallHere } from "../standalone/uninstall.ts";
import { about } from "./about.ts";
import { sayMisplaced } from "./misplaced-flags.ts";

const inCluster = {
  dev: {
    type: "bool",
    about: "With -k: also what `dapr init -k --dev` added",
  },
  namespace: {
    type: "string",
    short: "n",
    default: "dapr-system",
    about: "With -k: the control plane's namespace",
  },
  timeout: {
    type: "int",
    default: 300,
    about: "With -k: seconds to wait",
  },
} as const satisfies FlagTable;

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
        "Also <dapr> with all that is in it, and the containers dapr_redis and dapr_zipkin; with -k the custom resource definitions, and so every component",
    },
    ...containerFlags,
    ...inCluster,
  },
  {
    examples: `
# What dapr init installed; components and data stay
dapr uninstall

# Components and data, too
dapr uninstall --all

# The control plane of a cluster
dapr uninstall -k
`,
  },
  ({ flags, given, io }) => {
    if (flags.kubernetes) {
      sayMisplaced(given, containerFlags, "with -k", io);
      return uninstallFromCluster(flags, given, io);
    }
    sayMisplaced(given, inCluster, "without -k", io);
    return uninstallHere(flags, io);
  },
);
