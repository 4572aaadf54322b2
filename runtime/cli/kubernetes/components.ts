/** `dapr components -k`: the components in the cluster. */
import { command } from "../command.ts";
import { age, created } from "../age.ts";
import { about } from "./about.ts";
import {
  printResources,
  resourceFlags,
  type Resource,
} from "./resource-list.ts";

export const components = command(
  "components",
  about.components,
  resourceFlags,
  {
    examples:
      "\n# Of the namespace default\ndapr components -k --namespace default\n",
  },
  ({ flags, io }) =>
    printResources(
      "components",
      flags,
      (component) => componentRow(component, Date.now()),
      io,
    ),
);

export function componentRow(
  { metadata, spec, scopes }: Resource,
  nowMs: number,
): Record<string, string> {
  const since = new Date(metadata.creationTimestamp);
  return {
    NAMESPACE: metadata.namespace ?? "",
    NAME: metadata.name,
    TYPE: String(spec?.["type"] ?? ""),
    VERSION: String(spec?.["version"] ?? ""),
    SCOPES: [scopes ?? []].flat().join(","),
    CREATED: created(since),
    AGE: age(nowMs - since.getTime()),
  };
}
