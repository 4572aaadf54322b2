/**
 * The installation's certificate authority: Secret and ConfigMap `dapr-trust-bundle` (docs/protocol/kubernetes.md). The program
 * that finds the Secret empty fills it. A certificate authority of the user's own in it is taken as it is.
 */
import type { Logger } from "../../shared/log.ts";
import { isConflict, type KubeApi } from "../api/client.ts";
import { trustBundle } from "../names.ts";
import type { ConfigMap, Secret } from "../api/objects.ts";
import { bundleProblem, type TrustBundle } from "./bundle-problem.ts";
import type { Issuer } from "./issuer.ts";

export interface TrustContext {
  api: KubeApi;
  namespace: string;
  trustDomain: string;
  issue: Issuer;
  log: Logger;
}

/** Sidecars get the root at their start. A change of it costs a restart of every app, so it has to last. */
const authorityMs = 10 * 365 * 24 * 3_600_000;

/** The current authority; it is made if there is none. Rejects if the Secret is missing or Kubernetes does not answer. */
export async function openTrustBundle(
  context: TrustContext,
): Promise<TrustBundle> {
  const { api, namespace } = context;
  const path = `/api/v1/namespaces/${namespace}/secrets/${trustBundle}`;
  for (;;) {
    const secret = await api.get<Secret>(path);
    const bundle = readBundle(secret);
    const problem = bundleProblem(bundle);
    if (!problem) {
      await publish(context, bundle);
      return bundle;
    }
    const fresh = await makeBundle(context);
    try {
      await api.replace(path, { ...secret, data: toData(fresh) });
    } catch (error) {
      if (isConflict(error)) continue; // the other program was first: take its authority
      throw error;
    }
    const apps = secret.data
      ? "; sidecars that run trust the old one: restart their apps"
      : "";
    context.log.info(
      `made a certificate authority in Secret ${namespace}/${trustBundle}: ${problem}${apps}`,
    );
  }
}

async function makeBundle(context: TrustContext): Promise<TrustBundle> {
  const { trustDomain } = context;
  const made = await context.issue({
    kind: "authority",
    trustDomain,
    validMs: authorityMs,
  });
  return {
    root: made.root as string,
    issuer: made.certificate,
    issuerKey: made.key,
  };
}

/** The public half, for those who may not read the Secret. */
async function publish(
  { api, namespace, log }: TrustContext,
  { root }: TrustBundle,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${trustBundle}`;
  const map = await api.get<ConfigMap>(path);
  if (map.data?.["ca.crt"] === root) return;
  try {
    await api.replace(path, { ...map, data: { ...map.data, "ca.crt": root } });
  } catch (error) {
    if (!isConflict(error)) throw error;
    log.debug(`ConfigMap ${trustBundle} changed meanwhile; looked at again`);
  }
}

const decode = (base64 = "") => Buffer.from(base64, "base64").toString("utf8");
const encode = (text: string) => Buffer.from(text, "utf8").toString("base64");

const readBundle = ({ data }: Secret): TrustBundle => ({
  root: decode(data?.["ca.crt"]),
  issuer: decode(data?.["issuer.crt"]),
  issuerKey: decode(data?.["issuer.key"]),
});

const toData = ({ root, issuer, issuerKey }: TrustBundle) => ({
  "ca.crt": encode(root),
  "issuer.crt": encode(issuer),
  "issuer.key": encode(issuerKey),
});
