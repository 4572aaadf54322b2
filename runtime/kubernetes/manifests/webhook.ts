/** The webhook's configuration: last of all objects, since from then on annotated pods depend on the injector. */
import { injector } from "../names.ts";
import type { KubernetesObject } from "../api/objects.ts";
import { labels, type InstallOptions } from "./options.ts";

/** Selects exactly the pods that the injector would change; all others never wait for it. */
const wantsSidecar =
  "has(object.metadata.annotations) && 'dapr.io/enabled' in object.metadata.annotations && object.metadata.annotations['dapr.io/enabled'].lowerAscii() == 'true'";

export const webhook = ({ namespace }: InstallOptions): KubernetesObject[] => [
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: injector.name, labels: labels(injector.name) },
    webhooks: [
      {
        name: injector.webhook,
        // No caBundle: the injector sets it, and a later apply leaves it alone.
        clientConfig: {
          service: {
            namespace,
            name: injector.service,
            path: injector.path,
            port: 443,
          },
        },
        rules: [
          {
            apiGroups: [""],
            apiVersions: ["v1"],
            operations: ["CREATE"],
            resources: ["pods"],
            scope: "Namespaced",
          },
        ],
        // A pod without its sidecar would stay without one; a refused pod is created again by its controller.
        failurePolicy: "Fail",
        matchConditions: [
          { name: "wants-a-sidecar", expression: wantsSidecar },
        ],
        namespaceSelector: {
          matchExpressions: [
            {
              key: "kubernetes.io/metadata.name",
              operator: "NotIn",
              values: [namespace],
            },
          ],
        },
        sideEffects: "None",
        reinvocationPolicy: "IfNeeded",
        matchPolicy: "Equivalent",
        timeoutSeconds: 10,
        admissionReviewVersions: ["v1"],
      },
    ],
  } as KubernetesObject,
];
