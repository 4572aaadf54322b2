/** Input bindings (docs/protocol/bindings.md): discovery, delivery, the app's health and absence. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { freePorts } from "../support/ports.ts";
import {
  closeApps,
  startApp,
  type Answer,
  type Recorded,
  type RecordingApp,
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
const bodies = (app: RecordingApp) => app.posts().map(({ body }) => body);
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

test("direction input reads without asking the app, and output never reads", async () => {
  const app = await startApp(onOptions({ status: 404 }));
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: {
      "in.yaml": embedded("orders", { direction: "Input, output" }),
      "out.yaml": embedded("out", { direction: "output" }),
    },
  });
  await send(sidecar, 1, "out");
  await send(sidecar, 2, "orders");
  await waitFor("the delivery", () => app.posts()[0]);
  expect(app.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /orders",
  ]);
});

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

test("a message that the app does not take comes again, in order", async () => {
  let refusals = 2;
  const app = await startApp(({ method, body }) =>
    method === "POST" && body === "1" && refusals-- > 0
      ? { status: 500, body: "not now" }
      : { status: method === "POST" ? 201 : 200 },
  );
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: {
      "a.yaml": embedded("orders", {
        backOffDuration: "50ms",
        consumeRetryInterval: "50ms",
      }),
    },
  });
  await send(sidecar, 1);
  await send(sidecar, 2);
  await waitFor("the second order", () => bodies(app).includes("2"));
  expect(bodies(app)).toEqual(["1", "1", "1", "2"]);
});

test("an OPTIONS request without an answer times out and is sent again", async () => {
  let asked = 0;
  const app = await startApp(async ({ method }) => {
    if (method === "OPTIONS" && asked++ === 0)
      await new Promise<never>(() => {});
    return { status: 200 };
  });
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--app-binding-options-timeout=200ms"],
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  expect(asked).toBe(2);
  await sidecar.logged(
    "could not ask the app whether it takes input binding orders",
  );
});

test("an app that starts late gets the messages stored before", async () => {
  const [port] = (await freePorts(1)) as [number];
  const sidecar = await startDaprd({
    appPort: port,
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await sidecar.logged(`waiting on port ${port}`);
  const app = await startApp(undefined, port);
  await waitFor("the delivery", () => app.posts()[0]);
});

test("messages are held while the app is away, and none is lost", async () => {
  const first = await startApp();
  const sidecar = await startDaprd({
    appPort: first.port,
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => first.posts()[0]);
  await first.close();
  await send(sidecar, 2);
  await send(sidecar, 3);
  await sidecar.logged(
    "the app does not listen: input binding orders holds its messages until it does",
  );
  const second = await startApp(undefined, first.port);
  await waitFor("both orders", () => second.posts().length >= 2);
  expect(bodies(second)).toEqual(["2", "3"]);
});

test("an answer over the body limit counts as a refusal", async () => {
  let huge = true;
  const app = await startApp(({ method }) => {
    if (method !== "POST" || !huge) return { status: 200 };
    huge = false;
    return { status: 200, body: Buffer.alloc(5 * 1024 * 1024) };
  });
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: {
      "a.yaml": embedded("orders", {
        backOffDuration: "50ms",
        consumeRetryInterval: "50ms",
      }),
    },
  });
  await send(sidecar, 1);
  await waitFor("the second delivery", () => app.posts().length >= 2);
  await sidecar.logged("the app's answer is larger than 4194304 bytes");
});

test("--app-max-concurrency limits the calls under way, over all bindings", async () => {
  let active = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const app = await startApp(async ({ method }) => {
    if (method !== "POST") return { status: 200 };
    most = Math.max(most, ++active);
    await new Promise<void>((resolve) => waiting.push(resolve));
    active--;
    return { status: 200 };
  });
  const names = ["a", "b", "c", "d"];
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--app-max-concurrency=2"],
    resources: Object.fromEntries(
      names.map((name) => [
        `${name}.yaml`,
        embedded(name, { path: `./${name}.db`, direction: "input,output" }),
      ]),
    ),
  });
  for (const name of names) await send(sidecar, 1, name);
  for (let done = 0; done < names.length; done++) {
    const finish = await waitFor("a call under way", () => waiting.shift());
    if (done < 2) await waitFor("a second call beside it", () => active === 2);
    finish();
  }
  await waitFor("all four", () => app.posts().length === 4 && active === 0);
  expect(most).toBe(2);
});

test("health checks start and stop the inputs, and probes carry no token", async () => {
  let healthy = false;
  const app = await startApp(({ path }) =>
    path === "/live" ? { status: healthy ? 200 : 503 } : { status: 200 },
  );
  const sidecar = await startDaprd({
    appPort: app.port,
    env: { APP_API_TOKEN: "app-secret" },
    args: [
      "--enable-app-health-check",
      "--app-health-check-path=/live",
      "--app-health-probe-interval=1",
      "--app-health-probe-timeout=300",
      "--app-health-threshold=1",
    ],
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("a probe", () => app.requests[0]);
  expect(app.requests[0]).toMatchObject({ method: "GET", path: "/live" });
  expect(app.requests[0]!.headers["dapr-api-token"]).toBeUndefined();
  expect(app.posts()).toEqual([]);
  healthy = true;
  await waitFor("the first order", () => bodies(app).includes("1"));
  healthy = false;
  await sidecar.logged(
    "app is unhealthy (GET /live answered 503): inputs stop",
  );
  await waitFor("the reading to have stopped", async () => {
    const before = app.requests.length;
    await send(sidecar, 2); // the output still works
    await waitFor("two more probes", () => app.requests.length >= before + 2);
    return !bodies(app).includes("2");
  });
  healthy = true;
  await waitFor("the order held meanwhile", () => bodies(app).includes("2"));
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
