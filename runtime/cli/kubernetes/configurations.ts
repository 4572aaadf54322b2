/** A Configuration of a cluster as a line of the table. */
import { age, created } from "../age.ts";
import type { Resource } from "./resource-list.ts";

export function configurationRow(
  { metadata, spec }: Resource,
  nowMs: number,
): Record<string, string> {
  const since = new Date(metadata.creationTimestamp);
  return {
    NAMESPACE: metadata.namespace ?? "",
    NAME: metadata.name,
    ...switches(spec),
    AGE: age(nowMs - since.getTime()),
    CREATED: created(since),
  };
}

/** What its `spec` switches on. */
export function switches(
  spec: Record<string, unknown> | undefined,
): Record<string, string> {
  const tracing = spec?.["tracing"] as
    { samplingRate?: string } | null | undefined;
  const metrics = (spec?.["metrics"] ?? spec?.["metric"]) as
    { enabled?: boolean } | null | undefined;
  return {
    "TRACING-ENABLED": String(Number(tracing?.samplingRate ?? 0) > 0),
    "METRICS-ENABLED": String(metrics?.enabled ?? true),
  };
}
