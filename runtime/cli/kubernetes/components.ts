/** A component of a cluster as a line of the table. */
import { age, created } from "../age.ts";
import type { Resource } from "./resource-list.ts";

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
