/** Manifests of bindings on the embedded broker. */
import { patientInit } from "./component.ts";

export const embedded = (
  name = "orders",
  metadata: Record<string, string> = {},
  more: { type?: string; version?: string; spec?: string; tail?: string } = {},
): string => {
  const items = {
    path: "./embedded.db",
    topics: name,
    publishTopic: name,
    consumerGroup: "group1",
    partitions: "1",
    ...metadata,
  };
  const type = more.type ?? "bindings.sqlite";
  return `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  version: ${more.version ?? "v1"}
${more.spec ?? ""}  metadata:
${Object.entries(items)
  .map(([key, value]) => `    - name: ${key}\n      value: "${value}"\n`)
  .join("")}${more.spec ? "" : patientInit(type)}${more.tail ?? ""}`;
};

/** The body of a request to an output binding. */
export const order = (data: unknown, metadata?: Record<string, string>) =>
  JSON.stringify({ operation: "create", data, metadata });
