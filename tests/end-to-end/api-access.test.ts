/** Who may call: token, CORS, listening addresses (docs/protocol/http-api.md), and the settings that restore the original's behaviour. */
import { networkInterfaces } from "node:os";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { call } from "../support/http.ts";

afterEach(stopAll);

const metadata = "/v1.0/metadata";

test("without --allowed-origins there is no CORS layer", async () => {
  const sidecar = await startDaprd();
  const reply = await sidecar.call("GET", metadata, {
    headers: { origin: "http://localhost:8080" },
  });
  expect(reply.status).toBe(200);
  expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
});

test('--allowed-origins "*" lets every origin in', async () => {
  const sidecar = await startDaprd({ args: ["--allowed-origins", "*"] });
  const reply = await sidecar.call("GET", metadata, {
    headers: { origin: "https://any.example" },
  });
  expect(reply.status).toBe(200);
  expect(reply.headers["access-control-allow-origin"]).toBe("*");
});

test("a list lets its origins in, and a preflight needs no token", async () => {
  const sidecar = await startDaprd({
    args: ["--allowed-origins", "https://a.example,https://b.example"],
    env: { DAPR_API_TOKEN: "secret" },
  });
  const preflight = (origin: string) =>
    sidecar.call("OPTIONS", "/v1.0/bindings/x", {
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "dapr-api-token",
      },
    });
  const good = await preflight("https://b.example");
  expect(good.status).toBe(200);
  expect(good.headers).toMatchObject({
    vary: expect.stringContaining("Origin"),
    "access-control-allow-origin": "https://b.example",
    "access-control-allow-headers": "dapr-api-token",
    "access-control-allow-methods": expect.stringContaining("POST"),
  });
  const bad = await preflight("https://c.example");
  expect(bad.status).toBe(200);
  expect(bad.headers.vary).toContain("Origin");
  expect(bad.headers["access-control-allow-origin"]).toBeUndefined();
  expect(bad.headers["access-control-allow-headers"]).toBeUndefined();

  const call1 = await sidecar.call("GET", metadata, {
    headers: { origin: "https://a.example", "dapr-api-token": "secret" },
  });
  expect(call1.status).toBe(200);
  expect(call1.headers["access-control-allow-origin"]).toBe(
    "https://a.example",
  );
  const unknown = await sidecar.call("GET", metadata, {
    headers: { origin: "https://a.example" },
  });
  expect(unknown.status).toBe(401);
  expect(unknown.headers["access-control-allow-origin"]).toBe(
    "https://a.example",
  );
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;
const onNetwork = outside ? test : test.skip;

onNetwork(
  "it listens on loopback only, or on all interfaces by flag",
  async () => {
    const inside = await startDaprd();
    await expect(
      call(inside.port, "GET", metadata, { host: outside! }),
    ).rejects.toThrow(/ECONNREFUSED/);
    const open = await startDaprd({
      args: ["--dapr-listen-addresses=0.0.0.0"],
    });
    expect(
      (await call(open.port, "GET", metadata, { host: outside! })).status,
    ).toBe(200);
  },
);

const endpoints = (port: number) => `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: neighbour
spec:
  baseUrl: http://127.0.0.1:${port}
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: neighbour-binding
spec:
  type: bindings.http
  version: v1
  metadata:
    - name: url
      value: http://127.0.0.1:${port}
`;

test("a caller gains no rights by a detour over a neighbour's sidecar, not even back to its own", async () => {
  const neighbour = await startDaprd();
  const sidecar = await startDaprd({
    resources: { "neighbour.yaml": endpoints(neighbour.port) },
  });
  const url = (to: Daprd) => `http://127.0.0.1:${to.port}`;
  const through = (path: string) =>
    sidecar.call("PUT", path, { body: "value" });
  for (const path of [
    `/v1.0/invoke/${url(neighbour)}/method/v1.0/metadata/written`,
    `/v1.0/invoke/${url(neighbour)}/method/v1.0/invoke/${url(sidecar)}/method/v1.0/metadata/written`,
    "/v1.0/invoke/neighbour/method/v1.0/metadata/written",
    "/v1.0/invoke/neighbour/method//v1.0/x/..//metadata/written",
  ])
    expect(await through(path)).toMatchObject({
      status: 403,
      text: expect.stringContaining("only this machine"),
    });
  for (const path of ["/v1.0/metadata/written", "/v1.0//.//metadata/written"]) {
    const bound = await sidecar.call(
      "POST",
      "/v1.0/bindings/neighbour-binding",
      {
        body: JSON.stringify({
          operation: "put",
          data: "value",
          metadata: { path, "Dapr-On-Behalf": "" },
        }),
      },
    );
    expect(bound.text).toContain("received status code 403");
  }
  const shutdown = `/v1.0/invoke/${url(neighbour)}/method/v1.0/shutdown`;
  expect((await sidecar.call("POST", shutdown)).status).toBe(403);
  for (const one of [sidecar, neighbour]) {
    const read = await one.call("GET", metadata);
    expect(read.status).toBe(200);
    expect(read.text).not.toContain("written");
  }
  // Reads are passed on, and a direct caller may write.
  const read = await sidecar.call(
    "GET",
    `/v1.0/invoke/neighbour/method${metadata}`,
  );
  expect(read.status).toBe(200);
  const own = await neighbour.call("PUT", `${metadata}/written`, { body: "x" });
  expect(own.status).toBe(204);
});

test("DAPR_ALLOWED_HOSTS lists more names, and * allows any", async () => {
  const ask = async (hosts: string, host: string) => {
    const sidecar = await startDaprd({ env: { DAPR_ALLOWED_HOSTS: hosts } });
    const reply = await sidecar.call("GET", metadata, { headers: { host } });
    await sidecar.stop();
    return reply.status;
  };
  expect(await ask("sidecar, other", "Sidecar:3500")).toBe(200);
  expect(await ask("sidecar, other", "evil.example")).toBe(403);
  expect(await ask("*", "evil.example")).toBe(200);
});

test("--dapr-listen-addresses: a bad address beside a good one is left out; without a good one the sidecar ends", async () => {
  const some = await startDaprd({
    args: ["--dapr-listen-addresses=127.0.0.1,203.0.113.7"],
  });
  expect((await some.call("GET", metadata)).status).toBe(200);
  await some.logged("203.0.113.7");
  const none = await startDaprd({
    args: ["--dapr-listen-addresses=203.0.113.7"],
    until: "nothing",
  });
  expect((await none.exited).code).toBe(1);
  expect(none.output()).toMatch(
    /level=fatal msg="Fatal error from runtime: .*203\.0\.113\.7/,
  );
});
