/** Certificates of bindings.http: PEM, or the path of a file that holds it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import {
  maxSettingsBytes,
  readRegular,
  whyUnread,
} from "../../../shared/files/read-regular.ts";

export interface TlsSettings {
  MTLSRootCA: string | undefined;
  MTLSClientCert: string | undefined;
  MTLSClientKey: string | undefined;
}

/** Throws an error that names the property, never its value. */
export function tlsOptions(settings: TlsSettings): ConnectionOptions {
  const options: ConnectionOptions = {};
  const { MTLSRootCA, MTLSClientCert, MTLSClientKey } = settings;
  if (MTLSRootCA)
    options.ca = checked("MTLSRootCA", pem("MTLSRootCA", MTLSRootCA));
  if (Boolean(MTLSClientCert) !== Boolean(MTLSClientKey))
    throw new Error(
      `'${MTLSClientCert ? "MTLSClientKey" : "MTLSClientCert"}' is missing: a client certificate and its key go together`,
    );
  if (MTLSClientCert && MTLSClientKey) {
    options.cert = checked(
      "MTLSClientCert",
      pem("MTLSClientCert", MTLSClientCert),
    );
    options.key = pem("MTLSClientKey", MTLSClientKey);
    try {
      const key = createPrivateKey(options.key);
      if (new X509Certificate(options.cert).checkPrivateKey(key))
        return options;
    } catch {
      throw new Error("'MTLSClientKey' holds no private key in PEM");
    }
    throw new Error("'MTLSClientKey' is not the key of 'MTLSClientCert'");
  }
  return options;
}

function pem(name: keyof TlsSettings, value: string): string {
  if (value.includes("-----BEGIN ")) return value;
  try {
    return readRegular(value, maxSettingsBytes);
  } catch (error) {
    throw new Error(
      `'${name}' is neither PEM nor a file that can be read (${whyUnread(error)})`,
    );
  }
}

function checked(name: keyof TlsSettings, text: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new Error(`'${name}' holds no certificate in PEM`);
  }
}
