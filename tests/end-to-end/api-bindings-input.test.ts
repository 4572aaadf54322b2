/** Input bindings of an app over HTTP (docs/protocol/app.md): paths, statuses, headers. What holds for any app is in app-inputs. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import {
  closeApps,
  startApp,
  type Answer,
  type Recorded,
} from "../support/recording-app.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

const send = async (sidecar: Daprd, data: unknown, name = "orders") => {
  const reply = await sidecar.call("POST", `/v1.0/bindings/${name}`, {
    body: order(data),
  });
  expect(reply.status).toBe(204);
};
/** Answers OPTIONS with this status, and takes everything else. */
const onOptions =
  (answer: Answer) =>
  ({ method }: Recorded): Answer =>
    method === "OPTIONS" ? answer : { status: 200 };

test.each([200, 204, 405])(
  "an app that answers OPTIONS with %i gets the messages",
  async (status) => {
    const app = await startApp(onOptions({ status }));
    const sidecar = await startDaprd({
      appPort: app.port,
      resources: { "a.yaml": embedded() },
    });
    await send(sidecar, 1);
    await waitFor("the delivery", () => app.posts()[0]);
    expect(app.requests[0]).toMatchObject({
      method: "OPTIONS",
      path: "/orders",
    });
    expect(app.posts()[0]).toMatchObject({ path: "/orders", body: "1" });
  },
);

test.each([404, 301, 500])(
  "an app that answers OPTIONS with %i gets no messages, and the log says so",
  async (status) => {
    const app = await startApp(onOptions({ status }));
    const sidecar = await startDaprd({
      appPort: app.port,
      resources: { "a.yaml": embedded() },
    });
    await sidecar.logged(
      `app does not take input binding orders: OPTIONS /orders answered ${status}`,
    );
    expect(sidecar.output()).toMatch(
      /level=warning msg="app does not take .* give the app the route POST \/orders, /,
    );
    await send(sidecar, 1);
    await sidecar.stop();
    expect(app.posts()).toEqual([]);
  },
);

test("route replaces the binding's name in the path", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: { "a.yaml": embedded("orders", { route: "take/orders" }) },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  expect(app.requests.map(({ path }) => path)).toEqual([
    "/take/orders",
    "/take/orders",
  ]);
});

test("the app gets its token, the content type and the message's metadata as headers", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    env: { APP_API_TOKEN: "app-secret" },
    resources: { "a.yaml": embedded() },
  });
  await sidecar.call("POST", "/v1.0/bindings/orders", {
    body: order(
      { a: 1 },
      {
        Mixed: "Case",
        __key: "k1",
        "dapr-api-token": "forged",
        connection: "x-hop",
        "x-hop": "1",
        host: "evil",
        "content-length": "99",
        "content-type": "text/plain",
        "trace-bin": "x",
        "bad name": "x",
        "bad-value": "a\r\nInjected: 1",
        utf8: "漢",
      },
    ),
  });
  const { headers, body } = await waitFor("the delivery", () => app.posts()[0]);
  expect(body).toBe('{"a":1}');
  expect(headers).toMatchObject({
    "dapr-api-token": "app-secret",
    "content-type": "text/plain",
    "content-length": "7",
    mixed: "Case",
    __key: "k1",
    host: `127.0.0.1:${app.port}`,
  });
  expect(Buffer.from(headers["utf8"] as string, "latin1").toString()).toBe(
    "漢",
  );
  for (const name of [
    "x-hop",
    "trace-bin",
    "injected",
    "bad-value",
    "bad name",
  ])
    expect(headers).not.toHaveProperty([name]);
  expect(app.requests[0]!.headers["dapr-api-token"]).toBe("app-secret");
});

test("when the app's server refuses large headers, the log says how large they are", async () => {
  const app = await startApp(({ method }) => ({
    status: method === "POST" ? 431 : 200,
  }));
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: { "a.yaml": embedded() },
  });
  await sidecar.call("POST", "/v1.0/bindings/orders", {
    body: order(1, { big: "x".repeat(5000) }),
  });
  const told = await sidecar.logged("status code: 431");
  const [, size] = /headers take (\d+) bytes/.exec(told)!;
  expect(Number(size)).toBeGreaterThan(5000);
  expect(Number(size)).toBeLessThan(5500);
  expect(told).toContain("--max-http-header-size");
});

test("without an app port there is no input side", async () => {
  const sidecar = await startDaprd({
    until: "ready",
    resources: { "a.yaml": embedded() },
  });
  await sidecar.logged(
    "App channel is not initialized. Did you configure an app-port?",
  );
  await send(sidecar, 1);
});
