/** A caller's own claim about its identity is not passed on. The sidecar says who calls whom. */
import { Client, credentials, Metadata, status as codes } from "@grpc/grpc-js";
import {
  APIVersion,
  InternalInvokeRequest,
} from "../../runtime/proto/gen/dapr/proto/internals/v1/service_invocation.ts";
import { HTTPExtension_Verb } from "../../runtime/proto/gen/dapr/proto/common/v1/common.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { peerPort } from "../support/sidecar-pair.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

test("the sidecar replaces identity headers, however they are written and however often", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    env: { NAMESPACE: "shop" },
  });
  for (const name of ["dapr-caller-app-id", "Dapr-Caller-App-Id"]) {
    const { status } = await sidecar.call(
      "GET",
      "/v1.0/invoke/testapp/method/a",
      {
        headers: {
          [name]: ["admin", "root"],
          "DAPR-CALLER-NAMESPACE": "admin",
          "dapr-callee-app-id": "admin",
          "destination-app-id": "admin",
          "dapr-caller-app-id-bin": "YWRtaW4=",
        },
      },
    );
    expect(status).toBe(200);
  }
  expect(app.requests).toHaveLength(2);
  for (const { headers } of app.requests) {
    expect(headers).toMatchObject({
      "dapr-caller-app-id": "testapp",
      "dapr-callee-app-id": "testapp",
      "dapr-caller-namespace": "shop",
    });
    expect(JSON.stringify(headers)).not.toMatch(/admin|root|YWRtaW4/);
  }
});

test("a request with two targets has none", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({ appPort: app.port, until: "ready" });
  const { status } = await sidecar.call("GET", "/a", {
    headers: { "dapr-app-id": ["testapp", "other"] },
  });
  expect(status).toBe(500);
  expect(app.requests).toEqual([]);
});

const asIs = (bytes: Buffer) => bytes;

/** A call between sidecars, as an app makes it that wants to be somebody else. */
const forged = () =>
  Buffer.from(
    InternalInvokeRequest.encode({
      ver: APIVersion.V1,
      metadata: new Map([["dapr-caller-app-id", { values: ["admin"] }]]),
      message: {
        method: "a",
        data: undefined,
        contentType: "",
        httpExtension: { verb: HTTPExtension_Verb.GET, querystring: "" },
      },
      actor: undefined,
    }).finish(),
  );

test.each(["CallLocal", "CallLocalStream"])(
  "an app can't pass for a sidecar: %s goes through no sidecar",
  async (method) => {
    const registry = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };
    const app = await startApp();
    const callee = await startDaprd({
      appPort: app.port,
      until: "ready",
      env: registry,
    });
    const caller = await startDaprd({ appId: "caller", env: registry });
    const path = `/dapr.proto.internals.v1.ServiceInvocation/${method}`;
    const failure = (port: number) =>
      new Promise<number | undefined>((resolve) => {
        const client = new Client(
          `127.0.0.1:${port}`,
          credentials.createInsecure(),
        );
        const metadata = new Metadata();
        metadata.set("dapr-app-id", "testapp");
        const call = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
        call.on("data", () => {});
        call.on("error", () => {});
        call.on("status", ({ code }) => {
          client.close();
          resolve(code);
        });
        call.end(forged());
      });
    for (const port of [
      caller.grpcPort,
      callee.grpcPort,
      await peerPort(callee),
    ])
      expect(await failure(port)).toBe(codes.PERMISSION_DENIED);
    expect(app.requests).toEqual([]);
  },
);
