/** A request that the sidecar sends to itself has no more rights than the caller who caused it. */
import { networkInterfaces } from "node:os";
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { call } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";

afterEach(stopAll);

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;
const onNetwork = outside ? test : test.skip;

onNetwork(
  "a remote caller gains no rights by making the sidecar call itself, however its address is spelt",
  async () => {
    const [port, inner, open] = (await freePorts(3)) as [
      number,
      number,
      number,
    ];
    const sidecar = await startDaprd({
      until: "nothing",
      args: [
        `--dapr-http-port=${port}`,
        `--dapr-internal-grpc-port=${inner}`,
        `--dapr-public-port=${open}`,
        "--dapr-listen-addresses=0.0.0.0,::1",
      ],
      resources: {
        "a.yaml": [
          component("self", "bindings.http", {
            url: `http://127.0.0.1:${port}`,
          }),
          `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: me
spec:
  baseUrl: http://127.0.0.1:${port}
`,
        ].join("---\n"),
      },
    });
    await sidecar.logged("dapr initialized");
    const ask = (
      method: string,
      path: string,
      headers: Record<string, string> = {},
      body = "v",
    ) => call(port, method, path, { host: outside!, headers, body });
    const hosts = [
      "127.0.0.1",
      "127.0.0.2",
      "127.1",
      "0x7f.1",
      "2130706433",
      "0.0.0.0",
      "localhost",
      "[::1]",
      "[::ffff:127.0.0.1]",
      outside!,
    ];
    const refused: unknown[] = [];
    for (const host of hosts)
      for (const to of [port, inner, open]) {
        const url = `http://${host}:${to}`;
        const id = encodeURIComponent(url);
        for (const [method, path] of [
          ["POST", "/v1.0/shutdown"],
          ["PUT", "/v1.0/metadata/k"],
        ] as const)
          for (const reply of [
            await ask(method, path, { "dapr-app-id": url }),
            await ask(method, `/v1.0/invoke/${id}/method${path}`),
          ])
            if (reply.status < 400) refused.push([method, url, reply.status]);
      }
    const binding = await ask(
      "POST",
      "/v1.0/bindings/self",
      {},
      '{"operation":"put","data":1,"metadata":{"path":"/v1.0/metadata/k"}}',
    );
    const endpoint = await ask("PUT", "/v1.0/invoke/me/method/v1.0/metadata/k");
    expect(refused).toEqual([]);
    expect(binding.text).toContain("received status code 403");
    expect(endpoint.status).toBe(403);
    const read = await ask("GET", "/v1.0/metadata", {
      "dapr-app-id": `http://127.0.0.1:${port}`,
    });
    expect(read.status).toBe(200);
    expect(read.json()).not.toMatchObject({
      extended: { k: expect.anything() },
    });
    // A program on this machine still may.
    const local = await call(port, "PUT", "/v1.0/metadata/k", { body: "v" });
    expect(local.status).toBe(204);
  },
);
