/**
 * The authorities that TLS clients trust if a component names none: Node's list,
 * the system's, and those in `SSL_CERT_FILE`, `SSL_CERT_DIR` and
 * `NODE_EXTRA_CA_CERTS`, as in Go's crypto/x509. They are read when the first
 * client needs them, as that takes some 30 ms.
 */
import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Logger } from "../shared/log.ts";
import { readRegular, whyUnread } from "../shared/files/read-regular.ts";

/** Where distributions keep their bundle; the first one that exists counts. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** A bundle with all authorities of the web has some 250 KiB. */
const maxBundleBytes = 16 * 1024 * 1024;

let isDone = false;

/** Works once per process. A file that can't be read is a warning, never fatal. */
export function trustSystemAuthorities(
  log?: Pick<Logger, "warn">,
  env: NodeJS.ProcessEnv = process.env,
): void {
  if (isDone) return;
  isDone = true;
  const tls = process.getBuiltinModule("node:tls");
  const found = new Set(tls.getCACertificates("default"));
  for (const pem of systemAuthorities(tls, env, log)) found.add(pem);
  tls.setDefaultCACertificates([...found]);
}

function systemAuthorities(
  tls: typeof import("node:tls"),
  env: NodeJS.ProcessEnv,
  log: Pick<Logger, "warn"> | undefined,
): string[] {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = env;
  const unreadable = (variable: string, path: string, why: string) =>
    log?.warn(
      `${variable} names ${path}, but ${why}: its authorities are not trusted`,
    );
  const read = (path: string, variable?: string): string[] => {
    try {
      const pems = certificatesIn(readRegular(path, maxBundleBytes));
      if (pems.length === 0 && variable === "SSL_CERT_FILE")
        unreadable(variable, path, "there is no certificate in PEM in it");
      // One broken certificate must not exclude the others.
      return pems.filter((pem) => {
        try {
          new X509Certificate(pem);
          return true;
        } catch {
          if (variable) unreadable(variable, path, "a certificate is broken");
          return false;
        }
      });
    } catch (error) {
      // A folder may contain other files; a default path that does not exist is not reported.
      if (variable === "SSL_CERT_FILE")
        unreadable(variable, path, `it can't be read (${whyUnread(error)})`);
      return [];
    }
  };
  const pems: string[] = [];
  if (file) pems.push(...read(file, "SSL_CERT_FILE"));
  else if (process.platform === "linux")
    for (const bundle of bundles) {
      const own = read(bundle);
      pems.push(...own);
      if (own.length > 0) break;
    }
  else pems.push(...tls.getCACertificates("system"));
  for (const folder of folders ? folders.split(delimiter) : [])
    try {
      for (const name of readdirSync(folder))
        pems.push(...read(join(folder, name), "SSL_CERT_DIR"));
    } catch (error) {
      unreadable(
        "SSL_CERT_DIR",
        folder,
        `it can't be read (${whyUnread(error)})`,
      );
    }
  return pems;
}

const begin = "-----BEGIN CERTIFICATE-----";
const end = "-----END CERTIFICATE-----";

/** The certificates in a file, which may contain other things too. */
function certificatesIn(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf(begin); at >= 0;) {
    const stop = text.indexOf(end, at);
    if (stop < 0) break;
    found.push(text.slice(at, stop + end.length));
    at = text.indexOf(begin, stop);
  }
  return found;
}
