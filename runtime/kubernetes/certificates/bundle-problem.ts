/** Whether three texts are a certificate authority. */
import { createPrivateKey, X509Certificate } from "node:crypto";

/** All PEM. */
export interface TrustBundle {
  /** One root, or several during a change. */
  root: string;
  issuer: string;
  issuerKey: string;
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
