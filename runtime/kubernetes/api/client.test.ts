import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issue } from "../certificates/issue.ts";
import { inClusterApi, isConflict, isNotFound, KubeError } from "./client.ts";

const folder = mkdtempSync(join(tmpdir(), "kube-api-"));
const seen: string[] = [];
let server: Server;
let port: number;

beforeAll(async () => {
  const hour = 3_600_000;
  const authority = await issue({
    kind: "authority",
    trustDomain: "x",
    validMs: hour,
  });
  const { certificate, key } = await issue({
    kind: "serving",
    issuer: authority,
    uri: "spiffe://x",
    dnsNames: ["localhost"],
    validMs: hour,
  });
  writeFileSync(join(folder, "ca.crt"), authority.root as string);
  writeFileSync(join(folder, "token"), "T-1\n");
  server = createServer({ cert: certificate, key }, (request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const { authorization, accept, "content-type": type } = request.headers;
      seen.push(
        [request.method, request.url, authorization, accept, type, body].join(
          " ",
        ),
      );
      const status = Number(/\d{3}/.exec(request.url ?? "")?.[0] ?? 200);
      response
        .writeHead(status)
        .end(
          request.url === "/html"
            ? "<html>"
            : JSON.stringify(
                status === 200 ? { kind: "X" } : { message: "said so" },
              ),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const open = (at = port) =>
  inClusterApi(
    {
      KUBERNETES_SERVICE_HOST: "localhost",
      KUBERNETES_SERVICE_PORT: String(at),
    },
    folder,
  );

test("each call carries the token and says what it sends", async () => {
  const api = open();
  expect(await api.get("/get")).toEqual({ kind: "X" });
  await api.create("/create", { a: 1 });
  await api.patch("/patch", [{ op: "test" }]);
  await api.listMetadata("/list");
  await api.remove("/remove", "uid-1");
  expect(seen).toEqual([
    "GET /get Bearer T-1 application/json  ",
    'POST /create Bearer T-1 application/json application/json {"a":1}',
    'PATCH /patch Bearer T-1 application/json application/json-patch+json [{"op":"test"}]',
    "GET /list Bearer T-1 application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1  ",
    'DELETE /remove Bearer T-1 application/json application/json {"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"uid-1"}}',
  ]);
});

test("a refusal is an error with its status and what the server said", async () => {
  const refusal = (path: string) =>
    open()
      .get(path)
      .catch((error: KubeError) => error);
  const missing = await refusal("/404");
  expect(isNotFound(missing)).toBe(true);
  expect((missing as KubeError).message).toBe("GET /404: 404 said so");
  expect(isConflict(await refusal("/409"))).toBe(true);
  expect(await refusal("/html")).toMatchObject({
    message: "GET /html: 200 the answer is not JSON",
  });
});

test("no answer is an error of status 0", async () => {
  await expect(open(1).get("/")).rejects.toMatchObject({ status: 0 });
});

test("outside of a cluster it says so", () => {
  expect(() => inClusterApi({})).toThrow("KUBERNETES_SERVICE_HOST is not set");
});
