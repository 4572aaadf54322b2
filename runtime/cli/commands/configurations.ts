/** `dapr configurations`: the one of this machine, or with `-k` those in a cluster. */
import { configurationRow } from "../kubernetes/configurations.ts";
import { printConfigurationsHere } from "../standalone/configurations.ts";
import { resourceCommand } from "./resource-command.ts";

export const configurations = resourceCommand({
  kind: "configurations",
  here: {
    config: {
      type: "list",
      short: "c",
      takes: "file",
      about: "Without -k: configuration files; <dapr>/config.yaml if absent",
    },
  },
  help: {
    examples: `
# What dapr run takes by default
dapr configurations

# In a cluster
dapr configurations -k -A
`,
  },
  printHere: printConfigurationsHere,
  row: configurationRow,
});
