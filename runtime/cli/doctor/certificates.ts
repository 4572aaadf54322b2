/** Certificates that Node is told to trust besides its own, and switches that make it trust all. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { failure, ok, warning, type Finding } from "./finding.ts";

export async function checkCertificates(
  env: NodeJS.ProcessEnv = process.env,
): Promise<Finding[]> {
  const found: Finding[] = [];
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0")
    found.push(
      warning(
        "NODE_TLS_REJECT_UNAUTHORIZED=0 makes Node accept any certificate",
        "Unset it.",
      ),
    );
  for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]) {
    const path = env[name];
    if (path) found.push(...inFile(name, path));
  }
  return found.length > 0
    ? found
    : [ok("Only the authorities of the system and of Node are trusted")];
}

function inFile(name: string, path: string): Finding[] {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return [
      failure(
        `${name} names ${path}, which can't be read: ${(error as Error).message}`,
        "Name a file with certificates in PEM, or unset it.",
      ),
    ];
  }
  const all = text.match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  );
  if (!all)
    return [
      failure(`${name} names ${path}, which holds no certificate in PEM`),
    ];
  const valid = all.filter((pem) => !hasEnded(pem)).length;
  return valid === 0
    ? [failure(`${name} names ${path}: every certificate in it has ended`)]
    : [ok(`${name} names ${path}: ${valid} valid certificates`)];
}

/** True also for what can't be read as a certificate. */
function hasEnded(pem: string): boolean {
  try {
    return Date.parse(new X509Certificate(pem).validTo) < Date.now();
  } catch {
    return true;
  }
}
