/** Makes TLS and SASL settings from a component's login properties. */
import { createPrivateKey } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import type { Logger } from "../../../shared/log.ts";
import type { Sasl } from "./cluster.ts";
import { clientCredentials } from "./oidc.ts";

export interface AuthSettings {
  authType: string | undefined;
  /** The old switch; it is read only if there is no authType. */
  authRequired: string | undefined;
  saslUsername: string | undefined;
  saslPassword: string | undefined;
  saslMechanism: string | undefined;
  oidcTokenEndpoint: string | undefined;
  oidcClientID: string | undefined;
  oidcClientSecret: string | undefined;
  oidcScopes: string[];
  oidcExtensions: string | undefined;
  caCert: string | undefined;
  clientCert: string | undefined;
  clientKey: string | undefined;
  disableTls: boolean;
  skipVerify: boolean;
}

const supported = ["none", "password", "certificate", "mtls", "oidc"] as const;
type AuthType = (typeof supported)[number];

/** Throws an error that names the property and what it should be. */
export function authentication(
  meta: AuthSettings,
  log: Logger,
): { tls: ConnectionOptions | undefined; sasl: Sasl | undefined } {
  const type = authType(meta);
  const need = (name: keyof AuthSettings): string => {
    const value = meta[name];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(
      `kafka error: missing '${name}' attribute for authType '${type}'`,
    );
  };
  const tls = type === "none" || meta.disableTls ? undefined : tlsOf(meta, log);
  switch (type) {
    case "password":
      return {
        tls,
        sasl: {
          mechanism: mechanism(meta.saslMechanism),
          username: need("saslUsername"),
          password: need("saslPassword"),
        },
      };
    case "oidc":
      return {
        tls,
        sasl: {
          mechanism: "oauthbearer",
          oauthBearerProvider: clientCredentials({
            endpoint: need("oidcTokenEndpoint"),
            clientId: need("oidcClientID"),
            clientSecret: need("oidcClientSecret"),
            scopes: meta.oidcScopes,
            extensions: extensions(meta.oidcExtensions),
            ca: pem(meta.caCert, "caCert"),
          }),
        },
      };
    case "mtls":
      need("caCert");
      need("clientCert");
      need("clientKey");
      break;
    case "certificate":
      need("caCert");
      break;
    case "none":
      break;
  }
  if (tls === undefined && type !== "none")
    log.warn(
      `kafka: authType '${type}' does nothing without TLS, and disableTls is true`,
    );
  return { tls, sasl: undefined };
}

function authType(meta: AuthSettings): AuthType {
  const written = meta.authType?.toLowerCase();
  const found = supported.find((type) => type === written);
  if (found) return found;
  if (written !== undefined)
    throw new Error(
      written === "oidc_private_key_jwt" || written === "awsiam"
        ? `kafka error: authType '${written}' is not supported yet; supported: ${supported.join(", ")}`
        : `kafka error: invalid value for 'authType' attribute: ${meta.authType}; supported: ${supported.join(", ")}`,
    );
  if (meta.authRequired === undefined)
    throw new Error(
      `kafka error: missing 'authType' attribute; supported: ${supported.join(", ")}`,
    );
  switch (meta.authRequired.toLowerCase()) {
    case "false":
      return "none";
    case "true":
      return meta.saslPassword ? "password" : "mtls";
    default:
      throw new Error(
        `kafka error: invalid value for 'authRequired' attribute: ${meta.authRequired}; use authType instead`,
      );
  }
}

/** SCRAM by its short names; anything else is PLAIN, as in the original. */
function mechanism(written: string | undefined): Sasl["mechanism"] {
  switch (written?.toUpperCase()) {
    case "SHA-256":
      return "scram-sha-256";
    case "SHA-512":
      return "scram-sha-512";
    default:
      return "plain";
  }
}

function tlsOf(meta: AuthSettings, log: Logger): ConnectionOptions {
  if (meta.skipVerify)
    log.warn(
      "kafka: skipVerify is true: the broker's certificate is not checked, anyone in between can read and change messages",
    );
  const ca = pem(meta.caCert, "caCert");
  const cert = pem(meta.clientCert, "clientCert");
  const key = meta.clientKey || undefined;
  if (key !== undefined)
    try {
      createPrivateKey(key);
    } catch {
      throw new Error(
        "kafka error: invalid 'clientKey': not a private key in PEM (-----BEGIN PRIVATE KEY-----) without a passphrase",
      );
    }
  if ((cert === undefined) !== (key === undefined))
    throw new Error(
      `kafka error: '${cert ? "clientKey" : "clientCert"}' is missing: clientCert and clientKey go together`,
    );
  return { ca, cert, key, rejectUnauthorized: !meta.skipVerify };
}

/** Checks a certificate, so that a mistake is named here and not in a handshake. */
function pem(text: string | undefined, name: string): string | undefined {
  if (!text) return undefined;
  try {
    new (process.getBuiltinModule("node:crypto").X509Certificate)(text);
  } catch {
    throw new Error(
      `kafka error: invalid '${name}': not a certificate in PEM (-----BEGIN CERTIFICATE-----)`,
    );
  }
  return text;
}

function extensions(json: string | undefined): Record<string, string> {
  if (!json) return {};
  try {
    const parsed: unknown = JSON.parse(json);
    if (parsed !== null && typeof parsed === "object" && !Array.isArray(parsed))
      return Object.fromEntries(
        Object.entries(parsed).map(([key, value]) => [key, String(value)]),
      );
  } catch {
    // It is no JSON: the error below says what is expected.
  }
  throw new Error(
    `kafka error: invalid 'oidcExtensions': a JSON object such as {"cluster":"a"} is expected`,
  );
}
