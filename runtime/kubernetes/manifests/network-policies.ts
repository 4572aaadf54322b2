/** Who may reach the control plane: everybody may reach its two API ports, and nobody anything else. */
import { healthPort, injector, operator } from "../names.ts";
import type { KubernetesObject } from "../api/objects.ts";
import { labels, type InstallOptions } from "./options.ts";

/** No selector can name the API server's address, so only ports can be restricted. */
export const networkPolicies = ({
  namespace,
}: InstallOptions): KubernetesObject[] =>
  [operator, injector].map(
    ({ name, port }) =>
      ({
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name, namespace, labels: labels(name) },
        spec: {
          podSelector: { matchLabels: { app: name } },
          policyTypes: ["Ingress"],
          ingress: [
            {
              ports: [port, healthPort].map((number) => ({
                protocol: "TCP",
                port: number,
              })),
            },
          ],
        },
      }) as KubernetesObject,
  );
