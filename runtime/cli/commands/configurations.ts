/** `dapr configurations`: the one of this machine, or with `-k` those in a cluster. */
import { command, type FlagTable } from "../command.ts";
import { configurationRow } from "../kubernetes/configurations.ts";
import {
  clusterListFlags,
  printResources,
} from "../kubernetes/resource-list.ts";
import { checkOutput, listFlags } from "../print-list.ts";
import { printConfigurationsHere } from "../standalone/configurations.ts";
import { about } from "./about.ts";
import { sayMisplaced } from "./misplaced-flags.ts";

const here = {
  config: {
    type: "list",
    takes: "file",
    short: "c",
    about: "Without -k: configuration files; <dapr>/config.yaml if absent",
  },
} as const satisfies FlagTable;

export const configurations = command(
  "configurations",
  about.configurations,
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
  { examples: "\n# What dapr run takes by default\ndapr configurations\n" },
  ({ flags, given, io }) => {
    checkOutput(flags.output);
    if (!flags.kubernetes) {
      sayMisplaced(given, clusterListFlags, "without -k", io);
      return printConfigurationsHere(flags, io);
    }
    sayMisplaced(given, here, "with -k", io);
    const nowMs = Date.now();
    return printResources(
      "configurations",
      flags,
      (configuration) => configurationRow(configuration, nowMs),
      io,
    );
  },
);
