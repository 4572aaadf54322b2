/** The API token never reaches the app. The app's token never reaches a caller or the broker. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

test("both tokens are only where they belong", async () => {
  const apiToken = "canary-api-token";
  const appToken = "canary-app-token";
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    env: { DAPR_API_TOKEN: apiToken, APP_API_TOKEN: appToken },
    args: ["--enable-api-logging", "--log-level=debug"],
    resources: { "a.yaml": embedded() },
  });
  const headers = { "dapr-api-token": apiToken };
  const replies = [
    await sidecar.call("POST", "/v1.0/bindings/orders", {
      headers,
      body: order(1),
    }),
    await sidecar.call("POST", "/v1.0/bindings/none", {
      headers,
      body: order(1),
    }),
    await sidecar.call("POST", "/v1.0/bindings/orders", { headers, body: "{" }),
    await sidecar.call("GET", "/v1.0/metadata", { headers }),
    await sidecar.call("GET", "/v1.0/invoke/x/method/y", { headers }),
  ];
  const delivery = await waitFor("the delivery", () => app.posts()[0]);
  expect(replies.map(({ status }) => status)).toEqual([
    204, 500, 400, 200, 500,
  ]);
  expect(delivery.headers["dapr-api-token"]).toBe(appToken);
  expect(JSON.stringify(app.requests)).not.toContain(apiToken);
  const answered = JSON.stringify(replies);
  expect(answered).not.toContain(apiToken);
  expect(answered).not.toContain(appToken);
  expect(sidecar.output()).not.toContain(apiToken);
  expect(sidecar.output()).not.toContain(appToken);
  const stored = readdirSync(sidecar.resources).filter((name) =>
    name.includes(".db"),
  );
  expect(stored.length).toBeGreaterThan(0);
  for (const name of stored) {
    const bytes = readFileSync(join(sidecar.resources, name), "latin1");
    expect(bytes).not.toContain(apiToken);
    expect(bytes).not.toContain(appToken);
  }
});

test("an invoked app gets its own token, never the API's, whatever the caller sends", async () => {
  const app = await startApp();
  const withBoth = await startDaprd({
    appPort: app.port,
    until: "ready",
    env: { DAPR_API_TOKEN: "canary-api", APP_API_TOKEN: "canary-app" },
  });
  const withNone = await startDaprd({ appPort: app.port, until: "ready" });
  const path = "/v1.0/invoke/testapp/method/a";
  const reply = await withBoth.call("GET", path, {
    headers: { "dapr-api-token": "canary-api" },
  });
  expect(reply.status).toBe(200);
  expect(app.requests[0]!.headers["dapr-api-token"]).toBe("canary-app");
  expect(JSON.stringify(app.requests)).not.toContain("canary-api");
  expect(JSON.stringify(reply)).not.toContain("canary");
  // If the app has no token, the sidecar leaves the header alone.
  await withNone.call("GET", path, { headers: { "dapr-api-token": "mine" } });
  expect(app.requests[1]!.headers["dapr-api-token"]).toBe("mine");
});
