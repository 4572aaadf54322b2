/** A certificate authority and a server certificate, made by openssl for a test. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TestCertificates {
  /** In PEM. */
  ca: string;
  /** The server's certificate, for 127.0.0.1 and localhost. */
  cert: string;
  key: string;
  clientCert: string;
  clientKey: string;
}

export function makeCertificates(folder: string): TestCertificates {
  const run = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = (name: string) => [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    `${name}.key`,
  ];
  run(
    "req",
    "-x509",
    ...key("ca"),
    "-out",
    "ca.crt",
    "-days",
    "2",
    "-subj",
    "/CN=test-ca",
  );
  writeFileSync(
    join(folder, "san.ext"),
    "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
  );
  for (const name of ["server", "client"]) {
    run("req", ...key(name), "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    run(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      `${name}.crt`,
      "-days",
      "2",
      "-extfile",
      "san.ext",
    );
  }
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  return {
    ca: read("ca.crt"),
    cert: read("server.crt"),
    key: read("server.key"),
    clientCert: read("client.crt"),
    clientKey: read("client.key"),
  };
}

export const hasOpenssl = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
})();
