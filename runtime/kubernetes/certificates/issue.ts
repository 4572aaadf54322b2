/**
 * Makes X.509 certificates with @peculiar/x509. It runs in a process of its own that ends after the answer
 * (issuer.ts): the library takes 13 MB, and is needed once in twelve hours.
 */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";

export type IssueRequest =
  | { kind: "authority"; trustDomain: string; validMs: number }
  | {
      kind: "serving";
      issuer: { certificate: string; key: string };
      /** SPIFFE id. */
      uri: string;
      dnsNames: string[];
      validMs: number;
    };

/** PEM: a leaf or issuer, its private key, and for an authority the root that signed it. */
export interface Issued {
  certificate: string;
  key: string;
  root?: string;
}

// Some managed API servers refuse Ed25519 (dapr/dapr#9841); P-256 is taken everywhere.
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Valid from so long ago, as the clocks of nodes differ. */
const skewMs = 15 * 60_000;

type Pair = { publicKey: CryptoKey; privateKey: CryptoKey };
type CryptoKey = webcrypto.CryptoKey;

export async function issue(request: IssueRequest): Promise<Issued> {
  x509.cryptoProvider.set(webcrypto as never);
  return request.kind === "authority"
    ? issueAuthority(request)
    : issueServing(request);
}

/** Makes a root, whose key is not kept, and an issuer that it signs. */
async function issueAuthority({
  trustDomain,
  validMs,
}: Extract<IssueRequest, { kind: "authority" }>): Promise<Issued> {
  const rootKeys = await newKeys();
  const issuerKeys = await newKeys();
  const rootName = `O=dapr.io, CN=${trustDomain} root`;
  const mayIssue = (pathLength: number) => [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(
      x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
      true,
    ),
  ];
  const root = await x509.X509CertificateGenerator.create({
    ...common(validMs),
    subject: rootName,
    issuer: rootName,
    publicKey: rootKeys.publicKey as never,
    signingKey: rootKeys.privateKey as never,
    extensions: [...mayIssue(1), await subjectKey(rootKeys)],
  });
  const issuer = await x509.X509CertificateGenerator.create({
    ...common(validMs),
    subject: `O=dapr.io, CN=${trustDomain} issuer`,
    issuer: rootName,
    publicKey: issuerKeys.publicKey as never,
    signingKey: rootKeys.privateKey as never,
    extensions: [
      ...mayIssue(0),
      await subjectKey(issuerKeys),
      await authorityKey(root),
    ],
  });
  return {
    root: pem(root),
    certificate: pem(issuer),
    key: await keyPem(issuerKeys.privateKey),
  };
}

async function issueServing({
  issuer,
  uri,
  dnsNames,
  validMs,
}: Extract<IssueRequest, { kind: "serving" }>): Promise<Issued> {
  const keys = await newKeys();
  const authority = new x509.X509Certificate(issuer.certificate);
  const signer = await readSigner(issuer.key);
  const leaf = await x509.X509CertificateGenerator.create({
    ...common(validMs),
    signingAlgorithm: signer.algorithm,
    subject: "O=dapr.io",
    issuer: authority.subject,
    publicKey: keys.publicKey as never,
    signingKey: signer.key as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: uri },
        ...dnsNames.map((value) => ({ type: "dns" as const, value })),
      ]),
      await authorityKey(authority),
    ],
  });
  return {
    certificate: `${pem(leaf)}${issuer.certificate}`,
    key: await keyPem(keys.privateKey),
  };
}

const common = (validMs: number) => ({
  serialNumber: `00${randomBytes(16).toString("hex")}`,
  notBefore: new Date(Date.now() - skewMs),
  notAfter: new Date(Date.now() + validMs),
  signingAlgorithm: algorithm,
});

const newKeys = (): Promise<Pair> =>
  webcrypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as Promise<Pair>;

const subjectKey = (keys: Pair) =>
  x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never);
const authorityKey = async (authority: x509.X509Certificate) =>
  x509.AuthorityKeyIdentifierExtension.create(
    await authority.publicKey.export(),
  );

const pem = (certificate: x509.X509Certificate) =>
  `${certificate.toString("pem")}\n`;

async function keyPem(key: CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey("pkcs8", key);
  return `${x509.PemConverter.encode(bytes, "PRIVATE KEY")}\n`;
}

/** A user's own issuer may have another kind of key, in any PEM form that Node reads. */
async function readSigner(
  text: string,
): Promise<{ key: CryptoKey; algorithm: SigningAlgorithm }> {
  const key = createPrivateKey(text);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[
    details?.namedCurve ?? ""
  ];
  const known: Record<string, SigningAlgorithm> = {
    rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    ed25519: { name: "Ed25519" },
    ...(curve ? { ec: { ...algorithm, namedCurve: curve } } : {}),
  };
  const found = known[type ?? ""];
  if (!found)
    throw new Error(
      `issuer.key is of a kind that can't sign here (${type} ${details?.namedCurve ?? ""}); use ECDSA P-256, RSA or Ed25519`,
    );
  const bytes = key.export({ format: "der", type: "pkcs8" });
  return {
    algorithm: found,
    key: await webcrypto.subtle.importKey("pkcs8", bytes, found, false, [
      "sign",
    ]),
  };
}

interface SigningAlgorithm {
  name: string;
  hash?: string;
  namedCurve?: string;
}
