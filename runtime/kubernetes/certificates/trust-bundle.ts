/**
 * The installation's certificate authority: Secret and ConfigMap `dapr-trust-bundle` (docs/protocol/kubernetes.md). The program
 * that finds the Secret empty fills it. A certificate authority of the user's own in it is taken as it is.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Logger } from "../../shared/log.ts";
import { isConflict, type KubeApi } from "../api/client.ts";
import { trustBundle } from "../names.ts";
import type { ConfigMap, Secret } from "../api/objects.ts";
import type { Issuer } from "./issuer.ts";

/** All PEM. */
export interface TrustBundle {
  /** One root, or several during a change. */
  root: string;
  issuer: string;
  issuerKey: string;
}

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

/** Why these three texts are no authority now; undefined if they are one. */
export function bundleProblem(bundle: TrustBundle): string | undefined {
  if (!bundle.root || !bundle.issuer || !bundle.issuerKey) return "it had none";
  try {
    const issuer = new X509Certificate(bundle.issuer);
    const roots = certificatesOf(bundle.root);
    if (!issuer.checkPrivateKey(createPrivateKey(bundle.issuerKey)))
      return "issuer.key is not the key of issuer.crt";
    if (!roots.some((root) => issuer.verify(root.publicKey)))
      return "issuer.crt is signed by no root of ca.crt";
    for (const certificate of [issuer, ...roots])
      if (new Date(certificate.validTo).getTime() < Date.now())
        return `a certificate ended at ${certificate.validTo}`;
    return undefined;
  } catch (error) {
    return `it can't be read: ${(error as Error).message}`;
  }
}

const certificatesOf = (pem: string) =>
  (
    pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ??
    []
  ).map((one) => new X509Certificate(one));

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
