/** Who may reach the control plane: everybody its two API ports, nobody else's anything. */
import { healthPort, injector, operator } from "../names.ts";
import type { KubernetesObject } from "../api/objects.ts";
import { labels, type InstallOptions } from "./options.ts";

/** The API server comes from an address that no selector can name, so ports are all that can be told. */
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
