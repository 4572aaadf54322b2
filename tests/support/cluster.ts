/** A small Kubernetes API server over HTTPS that has secrets and records its requests. */
import { writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestCertificates } from "./tls.ts";

export interface Cluster {
  server: string;
  requests: { path: string; headers: IncomingHttpHeaders; client?: string }[];
  /** The secrets, by namespace and name. */
  secrets: Record<string, Record<string, Record<string, string>>>;
  /** Writes a kubeconfig for the server and returns its path. */
  kubeconfig(more?: { cluster?: string; user?: string }): string;
  close(): Promise<void>;
}

export const clusterToken = "cluster-token-canary";

export async function startCluster(
  folder: string,
  certificates: TestCertificates,
): Promise<Cluster> {
  const requests: Cluster["requests"] = [];
  const secrets: Cluster["secrets"] = {};
  const server = createServer(
    {
      cert: certificates.cert,
      key: certificates.key,
      ca: certificates.ca,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (incoming, outgoing) => {
      const socket = incoming.socket as import("node:tls").TLSSocket;
      const path = incoming.url!;
      const client = socket.authorized
        ? String(socket.getPeerCertificate().subject.CN)
        : undefined;
      requests.push({ path, headers: incoming.headers, client });
      const answer = (status: number, body: unknown) =>
        outgoing
          .writeHead(status, { "content-type": "application/json" })
          .end(JSON.stringify(body));
      const status = (code: number, message: string) =>
        answer(code, { kind: "Status", status: "Failure", message, code });
      const { authorization } = incoming.headers;
      if (authorization !== `Bearer ${clusterToken}` && client === undefined)
        return status(401, "Unauthorized");
      const url = new URL(path, "https://cluster");
      const found =
        /^\/api\/v1\/namespaces\/([^/]+)\/secrets(?:\/([^/]+))?$/.exec(
          url.pathname,
        );
      if (!found) return status(404, "the server could not find the resource");
      const [, namespace = "", name] = found;
      const there = secrets[namespace];
      if (!there)
        return status(
          403,
          `secrets is forbidden: User "app" cannot list resource "secrets" in the namespace "${namespace}"`,
        );
      if (name !== undefined)
        return Object.hasOwn(there, name)
          ? answer(200, asSecret(name, there[name]!))
          : status(404, `secrets "${name}" not found`);
      // One secret per page, so that a reader that stops after the first page is noticed.
      const names = Object.keys(there);
      const at = Number(url.searchParams.get("continue") ?? 0);
      return answer(200, {
        kind: "SecretList",
        metadata: at + 1 < names.length ? { continue: String(at + 1) } : {},
        items: names.slice(at, at + 1).map((n) => asSecret(n, there[n]!)),
      });
    },
  );
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve()),
  );
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(folder, "cluster-ca.crt"), certificates.ca);
  let files = 0;
  return {
    server: url,
    requests,
    secrets,
    kubeconfig({
      cluster = "certificate-authority: cluster-ca.crt",
      user = `token: ${clusterToken}`,
    } = {}) {
      const file = join(folder, `kubeconfig-${++files}.yaml`);
      writeFileSync(
        file,
        `apiVersion: v1
kind: Config
current-context: here
contexts:
  - name: here
    context: { cluster: this, user: me }
clusters:
  - name: this
    cluster:
      server: ${url}
      ${cluster}
users:
  - name: me
    user:
      ${user}
`,
      );
      return file;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const asSecret = (name: string, values: Record<string, string>) => ({
  metadata: { name },
  data: Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      Buffer.from(value).toString("base64"),
    ]),
  ),
});
