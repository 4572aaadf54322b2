/** Certificates from a component's properties: PEM, or the path of a file that holds it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import {
  maxSettingsBytes,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";

/** Names of the properties, which differ from type to type. */
export interface TlsNames {
  ca: string;
  cert: string;
  key: string;
}

/** Throws an error that names the property, never its value. */
export function tlsOptions(
  settings: Readonly<Record<string, unknown>>,
  names: TlsNames,
): ConnectionOptions {
  const valueOf = (part: keyof TlsNames) =>
    settings[names[part]] as string | undefined;
  const options: ConnectionOptions = {};
  const [ca, cert, key] = [valueOf("ca"), valueOf("cert"), valueOf("key")];
  if (ca) options.ca = checked(names.ca, pem(names.ca, ca));
  if (Boolean(cert) !== Boolean(key))
    throw new Error(
      `'${cert ? names.key : names.cert}' is missing: a client certificate and its key go together`,
    );
  if (cert && key) {
    options.cert = checked(names.cert, pem(names.cert, cert));
    options.key = pem(names.key, key);
    try {
      const privateKey = createPrivateKey(options.key);
      if (new X509Certificate(options.cert).checkPrivateKey(privateKey))
        return options;
    } catch {
      throw new Error(`'${names.key}' holds no private key in PEM`);
    }
    throw new Error(`'${names.key}' is not the key of '${names.cert}'`);
  }
  return options;
}

function pem(name: string, value: string): string {
  if (value.includes("-----BEGIN ")) return value;
  try {
    return readRegular(value, maxSettingsBytes);
  } catch (error) {
    throw new Error(
      `'${name}' is neither PEM nor a file that can be read (${whyUnread(error)})`,
    );
  }
}

function checked(name: string, text: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new Error(`'${name}' holds no certificate in PEM`);
  }
}
