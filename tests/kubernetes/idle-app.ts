/** A Deployment of an app that does nothing, allowed by the Pod Security level `restricted`. */
export function idleApp(
  namespace: string,
  name: string,
  image: string,
  annotations: Record<string, string> = {},
  replicas = 1,
) {
  const restricted = {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    runAsUser: 1000,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: "app",
              image,
              args: ["node", "-e", "setInterval(() => {}, 1e6)"],
              securityContext: restricted,
            },
          ],
        },
      },
    },
  };
}

/** An app with the annotations that users write. Its app ID is its name. */
export const annotated = (
  appId: string,
  more: Record<string, string> = {},
): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ enabled: "true", "app-id": appId, ...more }).map(
      ([name, value]) => [`dapr.io/${name}`, value],
    ),
  );
