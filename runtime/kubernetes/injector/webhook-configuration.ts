/** Keeps `caBundle` of the webhook's configuration correct: without it the API server trusts nobody and refuses all annotated pods. */
import type { KubeApi } from "../api/client.ts";
import { injector } from "../names.ts";

export const webhookPath = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${injector.name}`;

interface WebhookConfiguration {
  webhooks?: { name: string; clientConfig: { caBundle?: string } }[];
}

/** True if it had to be set. Rejects if the configuration is missing or Kubernetes does not answer. */
export async function setCaBundle(
  api: KubeApi,
  root: string,
): Promise<boolean> {
  const { webhooks = [] } = await api.get<WebhookConfiguration>(webhookPath);
  const index = webhooks.findIndex(({ name }) => name === injector.webhook);
  if (index < 0)
    throw new Error(
      `MutatingWebhookConfiguration ${injector.name} has no webhook ${injector.webhook}: apply the manifests again`,
    );
  const caBundle = Buffer.from(root, "utf8").toString("base64");
  if (webhooks[index]?.clientConfig.caBundle === caBundle) return false;
  // `test` comes first, as the order may have changed since.
  const at = `/webhooks/${index}`;
  await api.patch(webhookPath, [
    { op: "test", path: `${at}/name`, value: injector.webhook },
    { op: "add", path: `${at}/clientConfig/caBundle`, value: caBundle },
  ]);
  return true;
}
