/** Manifests of bindings on the embedded broker. */
import { component, type ManifestOptions } from "./component.ts";

export const embedded = (
  name = "orders",
  metadata: Record<string, string> = {},
  {
    type = "bindings.sqlite",
    ...more
  }: ManifestOptions & { type?: string } = {},
): string =>
  component(
    name,
    type,
    {
      path: "./embedded.db",
      topics: name,
      publishTopic: name,
      consumerGroup: "group1",
      partitions: "1",
      ...metadata,
    },
    more,
  );

/** The body of a request to an output binding. */
export const order = (data: unknown, metadata?: Record<string, string>) =>
  JSON.stringify({ operation: "create", data, metadata });
