/** Without a token, no caller on another machine can end a sidecar or write its metadata. */
import { networkInterfaces } from "node:os";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { call } from "../support/http.ts";

afterEach(stopAll);

// A caller that uses this machine's outside address looks like one on another machine.
const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;
const onNetwork = outside ? test : test.skip;
const all = "--dapr-listen-addresses=0.0.0.0";

const control = async (port: number, headers: Record<string, string> = {}) => {
  const options = { host: outside!, headers };
  const write = await call(port, "PUT", "/v1.0/metadata/key", {
    ...options,
    body: "v",
  });
  const dotted = await call(port, "PUT", "//v1.0/x/../metadata/key", {
    ...options,
    body: "v",
  });
  const end = await call(port, "POST", "/v1.0/shutdown", options);
  return [write.status, dotted.status, end.status];
};

onNetwork(
  "without the token a remote caller may read, but not control",
  async () => {
    const sidecar = await startDaprd({ args: [all] });
    expect(await control(sidecar.port)).toEqual([403, 403, 403]);
    const spoofed = {
      "x-forwarded-for": "127.0.0.1",
      forwarded: "for=127.0.0.1",
      host: "localhost",
    };
    expect(await control(sidecar.port, spoofed)).toEqual([403, 403, 403]);
    const metadata = await call(sidecar.port, "GET", "/v1.0/metadata", {
      host: outside!,
    });
    expect(metadata.status).toBe(200);
    expect(metadata.json()).not.toMatchObject({ extended: { key: "v" } });
    expect(
      (await sidecar.call("PUT", "/v1.0/metadata/key", { body: "v" })).status,
    ).toBe(204);
  },
);

onNetwork("with the token a remote caller may control", async () => {
  const sidecar = await startDaprd({
    args: [all],
    env: { DAPR_API_TOKEN: "secret" },
  });
  expect(await control(sidecar.port)).toEqual([401, 401, 401]);
  expect(await control(sidecar.port, { "dapr-api-token": "secret" })).toEqual([
    204, 204, 204,
  ]);
  expect((await sidecar.exited).code).toBe(0);
});

onNetwork(
  "DAPR_ALLOW_REMOTE_SHUTDOWN=true lets every caller control, as the original does",
  async () => {
    const sidecar = await startDaprd({
      args: [all],
      env: { DAPR_ALLOW_REMOTE_SHUTDOWN: "true" },
    });
    expect(await control(sidecar.port)).toEqual([204, 204, 204]);
    expect((await sidecar.exited).code).toBe(0);
  },
);
