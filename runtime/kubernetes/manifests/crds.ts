/** The five CRDs: what `kubectl get components` and the like know. */
import type { KubernetesObject } from "../api/objects.ts";
import {
  component,
  httpEndpoint,
  resiliency,
  subscription,
} from "./crd-schemas.ts";
import { configuration } from "./configuration-schema.ts";
import { object, text, type Schema } from "./schema.ts";

interface Column {
  name: string;
  type: "string" | "date";
  jsonPath: string;
}

interface Kind {
  kind: string;
  /** What it is, for `kubectl explain`. */
  about: string;
  plural: string;
  singular: string;
  /** The last one is stored. */
  versions: string[];
  fields: Record<string, Schema>;
  columns: Column[];
}

const column = (name: string, jsonPath: string): Column => ({
  name,
  type: "string",
  jsonPath,
});

const kinds: Kind[] = [
  {
    kind: "Component",
    about: "A state store, binding, broker or secret store that apps use",
    plural: "components",
    singular: "component",
    versions: ["v1alpha1"],
    fields: component,
    columns: [column("Type", ".spec.type"), column("Version", ".spec.version")],
  },
  {
    kind: "Configuration",
    about: "Settings of sidecars",
    plural: "configurations",
    singular: "configuration",
    versions: ["v1alpha1"],
    fields: configuration,
    columns: [],
  },
  {
    kind: "Subscription",
    about: "Messages of a topic for an app",
    plural: "subscriptions",
    singular: "subscription",
    versions: ["v1alpha1", "v2alpha1"],
    fields: subscription,
    columns: [
      column("Pubsub", ".spec.pubsubname"),
      column("Topic", ".spec.topic"),
    ],
  },
  {
    kind: "Resiliency",
    about: "Timeouts, retries and circuit breakers for calls of apps",
    plural: "resiliencies",
    singular: "resiliency",
    versions: ["v1alpha1"],
    fields: resiliency,
    columns: [],
  },
  {
    kind: "HTTPEndpoint",
    about: "An address outside that apps call by a name",
    plural: "httpendpoints",
    singular: "httpendpoint",
    versions: ["v1alpha1"],
    fields: httpEndpoint,
    columns: [column("URL", ".spec.baseUrl")],
  },
];

export const crds = (): KubernetesObject[] =>
  kinds.map(
    ({ kind, about, plural, singular, versions, fields, columns }) =>
      ({
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: {
          name: `${plural}.dapr.io`,
          labels: { "app.kubernetes.io/part-of": "dapr" },
        },
        spec: {
          group: "dapr.io",
          names: {
            kind,
            listKind: `${kind}List`,
            plural,
            singular,
            categories: ["dapr"],
          },
          scope: "Namespaced",
          conversion: { strategy: "None" },
          versions: versions.map((name) => ({
            name,
            served: true,
            storage: name === versions.at(-1),
            additionalPrinterColumns: [
              ...columns,
              {
                name: "Age",
                type: "date",
                jsonPath: ".metadata.creationTimestamp",
              },
            ],
            schema: {
              openAPIV3Schema: object(about, {
                apiVersion: text("dapr.io and the version"),
                kind: text("Name of the kind"),
                // Kubernetes describes it itself, and refuses other descriptions.
                metadata: { type: "object" },
                ...fields,
              }),
            },
          })),
        },
      }) as KubernetesObject,
  );
