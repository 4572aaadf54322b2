/** `dapr components`: those in folders of this machine, or with `-k` in a cluster. */
import { componentRow } from "../kubernetes/components.ts";
import { printComponentsHere } from "../standalone/components.ts";
import { resourceCommand } from "./resource-command.ts";

export const components = resourceCommand({
  kind: "components",
  here: {
    "resources-path": {
      type: "list",
      takes: "folder",
      about:
        "Without -k: folders of component files; <dapr>/components if absent",
    },
  },
  help: {
    examples: `
# What dapr run takes by default
dapr components

# In a cluster, of the namespace default
dapr components -k --namespace default
`,
  },
  printHere: printComponentsHere,
  row: componentRow,
});
