/** Input bindings of an app over gRPC (docs/protocol/app.md): what only it can say. What holds for any app is in app-inputs. */
import { status } from "@grpc/grpc-js";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import {
  AppError,
  closeGrpcApps,
  startGrpcApp,
  type AppMethods,
  type GrpcApp,
} from "../support/grpc-app.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeGrpcApps();
});

const send = async (sidecar: Daprd, data: unknown, name = "orders") => {
  const reply = await sidecar.call("POST", `/v1.0/bindings/${name}`, {
    body: order(data),
  });
  expect(reply.status).toBe(204);
};
const eventsOf = (app: GrpcApp) =>
  app
    .callsOf("OnBindingEvent")
    .map(
      ({ request }) =>
        `${request["name"] as string} ${String(request["data"])}`,
    );

async function start(
  methods: AppMethods,
  resources: Record<string, string> = { "a.yaml": embedded() },
  args: string[] = [],
) {
  const app = await startGrpcApp(methods);
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--app-protocol=grpc", ...args],
    resources,
  });
  return { app, sidecar };
}

const input = (name: string) =>
  embedded(name, { path: `./${name}.db`, direction: "input,output" });

test("the app lists its inputs once, however many there are", async () => {
  const names = ["a", "b", "c"];
  const { app, sidecar } = await start(
    {
      ListInputBindings: () => ({ bindings: ["a", "c", "other"] }),
      OnBindingEvent: () => ({}),
    },
    Object.fromEntries(
      names.map((name) => [
        `${name}.yaml`,
        embedded(name, { path: `./${name}.db` }),
      ]),
    ),
  );
  await sidecar.logged(
    "app does not take input binding b: ListInputBindings does not name it (it names a, c, other), so nothing is delivered; let it list b, or give the component the metadata direction: input or output",
  );
  for (const name of names) await send(sidecar, 1, name);
  await waitFor("two deliveries", () => eventsOf(app).length === 2);
  expect(eventsOf(app).toSorted()).toEqual(["a 1", "c 1"]);
  expect(app.callsOf("ListInputBindings")).toHaveLength(1);
});

test("an app without ListInputBindings takes none; one that fails is asked again", async () => {
  const { sidecar } = await start({});
  await sidecar.logged("it does not implement ListInputBindings, so nothing");

  let asked = 0;
  const { app, sidecar: other } = await start({
    ListInputBindings() {
      if (asked++ === 0) throw new AppError(status.INTERNAL, "not yet");
      return { bindings: ["orders"] };
    },
    OnBindingEvent: () => ({}),
  });
  await send(other, 1);
  await waitFor("the delivery", () => eventsOf(app)[0]);
  await other.logged(
    "could not ask the app whether it takes input binding orders: the app answered ListInputBindings with INTERNAL: not yet; asking again in 100 ms",
  );
});

test("an app that comes anew is asked anew", async () => {
  const { app, sidecar } = await start(
    {
      ListInputBindings: () => ({ bindings: [] }),
      HealthCheck: () => ({}),
    },
    undefined,
    [
      "--enable-app-health-check",
      "--app-health-probe-interval=1",
      "--app-health-threshold=1",
    ],
  );
  await sidecar.logged("it names none");
  await app.close();
  await sidecar.logged("app is unhealthy (the app at grpc://127.0.0.1:");
  const second = await startGrpcApp(
    {
      ListInputBindings: () => ({ bindings: ["orders"] }),
      HealthCheck: () => ({}),
      OnBindingEvent: () => ({}),
    },
    app.port,
  );
  await send(sidecar, 1);
  await waitFor("the delivery", () => eventsOf(second)[0]);
});

test("a refusal is told with its code and text", async () => {
  let refusals = 1;
  const { app, sidecar } = await start(
    {
      OnBindingEvent() {
        if (refusals-- > 0)
          throw new AppError(status.FAILED_PRECONDITION, "no stock");
        return {};
      },
    },
    {
      "a.yaml": embedded("orders", {
        direction: "input,output",
        backOffDuration: "50ms",
        consumeRetryInterval: "50ms",
      }),
    },
  );
  await send(sidecar, 1);
  await sidecar.logged(
    "the app answered OnBindingEvent with FAILED_PRECONDITION: no stock",
  );
  await waitFor("the second delivery", () => eventsOf(app).length === 2);
});

test("an app without HealthCheck is unhealthy, and the log says why", async () => {
  const { sidecar } = await start({}, {}, [
    "--enable-app-health-check",
    "--app-health-probe-interval=1",
    "--app-health-threshold=1",
  ]);
  await sidecar.logged(
    "HealthCheck answered UNIMPLEMENTED: let the app serve AppCallbackHealthCheck, or leave out --enable-app-health-check",
  );
  const reply = await sidecar.call("GET", "/a", {
    headers: { "dapr-app-id": "testapp" },
  });
  expect(reply.text).toContain("app is not in a healthy state");
});

describe("an answer that is for output bindings", () => {
  test.each([0, 1])(
    "goes to each of them (concurrency %i)",
    async (concurrency) => {
      const { app, sidecar } = await start(
        {
          OnBindingEvent: ({ request }) =>
            request["name"] === "orders"
              ? {
                  to: ["a", "b"],
                  data: Buffer.from('{"b":1, "a": "<2>"}'),
                  concurrency,
                }
              : {},
        },
        {
          "orders.yaml": input("orders"),
          "a.yaml": input("a"),
          "b.yaml": input("b"),
        },
      );
      await send(sidecar, 1);
      await waitFor("both", () => eventsOf(app).length === 3);
      expect(eventsOf(app).toSorted()).toEqual([
        'a {"b":1, "a": "<2>"}',
        'b {"b":1, "a": "<2>"}',
        "orders 1",
      ]);
    },
  );

  test("in turn it stops at the first that fails; at once it does not; the message is taken either way", async () => {
    let concurrency = 0;
    const { app, sidecar } = await start(
      {
        OnBindingEvent: ({ request }) =>
          request["name"] === "orders"
            ? { to: ["missing", "a"], data: Buffer.from("x"), concurrency }
            : {},
      },
      { "orders.yaml": input("orders"), "a.yaml": input("a") },
    );
    await send(sidecar, 1);
    await sidecar.logged(
      "the app's answer to a message of input binding orders did not go to missing: error invoking output binding missing: couldn't find output binding missing",
    );
    await send(sidecar, 2);
    await waitFor("the second", () => eventsOf(app).includes("orders 2"));
    expect(eventsOf(app)).toEqual(["orders 1", "orders 2"]);
    concurrency = 1;
    await send(sidecar, 3);
    await waitFor("what went on", () => eventsOf(app).includes("a x"));
    expect(eventsOf(app)).toEqual(["orders 1", "orders 2", "orders 3", "a x"]);
  });

  test("its states are not saved, and the log says so once", async () => {
    const { app, sidecar } = await start(
      {
        OnBindingEvent: () => ({
          storeName: "statestore",
          states: [{ key: "k", value: Buffer.from("v") }],
        }),
      },
      { "orders.yaml": input("orders") },
    );
    await send(sidecar, 1);
    await send(sidecar, 2);
    await waitFor("both", () => eventsOf(app).length === 2);
    await sidecar.logged(
      "which are not saved: save them through the state API",
    );
    await sidecar.stop();
    expect(
      sidecar.messages().filter((line) => line.includes("are not saved")),
    ).toHaveLength(1);
  });
});
