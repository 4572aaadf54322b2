/** A caller's own claim about its identity is not passed on. The sidecar says who calls whom. */
import { startDaprd, stopAll } from "../support/daprd.ts";
import { closeApps, startApp } from "../support/recording-app.ts";

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
