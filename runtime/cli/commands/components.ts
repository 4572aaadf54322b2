/** `dapr components`: those in folders of this machine, or with `-k` in a cluster. */
import { command, type FlagTable } from "../command.ts";
import { componentRow } from "../kubernetes/components.ts";
import {
  clusterListFlags,
  printResources,
} from "../kubernetes/resource-list.ts";
import { checkOutput, listFlags } from "../print-list.ts";
import { printComponentsHere } from "../standalone/components.ts";
import { about } from "./about.ts";
import { sayMisplaced } from "./misplaced-flags.ts";

const here = {
  "resources-path": {
    type: "list",
    takes: "folder",
    about:
      "Without -k: folders of component files; <dapr>/components if absent",
  },
} as const satisfies FlagTable;

export const components = command(
  "components",
  about.components,
  {
    kubernetes: {
      type: "bool",
      short: "k",
      about: "List those in Kubernetes",
    },
    ...listFlags,
    ...here,
    ...clusterListFlags,
  },
  {
    examples: `
# What dapr run takes by default
dapr components

# In a cluster, of the namespace default
dapr components -k --namespace default
`,
  },
  ({ flags, given, io }) => {
    checkOutput(flags.output);
    if (!flags.kubernetes) {
      sayMisplaced(given, clusterListFlags, "without -k", io);
      return printComponentsHere(flags, io);
    }
    sayMisplaced(given, here, "with -k", io);
    const nowMs = Date.now();
    return printResources(
      "components",
      flags,
      (component) => componentRow(component, nowMs),
      io,
    );
  },
);
