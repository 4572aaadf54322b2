import type { Component, MetadataValue } from "dapr-ts/testing";

/** What its YAML file would say. */
export const component = (
  name: string,
  type: string,
  settings: Record<string, MetadataValue> = {},
): Component => ({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name },
  spec: {
    type,
    version: "v1",
    metadata: Object.entries(settings).map(([name, value]) => ({
      name,
      value,
    })),
  },
});
