/** `dapr configurations -k`: the Configurations in the cluster. */
import { command } from "../command.ts";
import { age, created } from "../age.ts";
import { about } from "./about.ts";
import {
  printResources,
  resourceFlags,
  type Resource,
} from "./resource-list.ts";

export const configurations = command(
  "configurations",
  about.configurations,
  resourceFlags,
  {},
  ({ flags, io }) =>
    printResources(
      "configurations",
      flags,
      (configuration) => configurationRow(configuration, Date.now()),
      io,
    ),
);

export function configurationRow(
  { metadata, spec }: Resource,
  nowMs: number,
): Record<string, string> {
  const since = new Date(metadata.creationTimestamp);
  const tracing = spec?.["tracing"] as
    { samplingRate?: string } | null | undefined;
  const metrics = (spec?.["metrics"] ?? spec?.["metric"]) as
    { enabled?: boolean } | undefined;
  return {
    NAMESPACE: metadata.namespace ?? "",
    NAME: metadata.name,
    "TRACING-ENABLED": String(Number(tracing?.samplingRate ?? 0) > 0),
    "METRICS-ENABLED": String(metrics?.enabled ?? true),
    AGE: age(nowMs - since.getTime()),
    CREATED: created(since),
  };
}
