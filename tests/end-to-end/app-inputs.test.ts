/** Input bindings of an app, whatever it speaks (docs/protocol/app.md): discovery, delivery, the app's health and absence. */
import { join } from "node:path";
import {
  appKinds,
  closeKnownApps,
  type AppBehaviour,
  type KnownApp,
} from "../support/app-kinds.ts";
import {
  startDaprd,
  stopAll,
  type Daprd,
  type DaprdOptions,
} from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeKnownApps();
});

const send = async (sidecar: Daprd, data: unknown, name = "orders") => {
  const reply = await sidecar.call("POST", `/v1.0/bindings/${name}`, {
    body: order(data),
  });
  expect(reply.status).toBe(204);
};
const dataOf = ({ messages }: KnownApp) => messages.map(({ data }) => data);
const quick = embedded("orders", {
  backOffDuration: "50ms",
  consumeRetryInterval: "50ms",
});

describe.each(appKinds)("an app over $protocol", (kind) => {
  const sidecarOf = (port: number, options: DaprdOptions = {}) =>
    startDaprd({
      resources: { "a.yaml": embedded() },
      ...options,
      appPort: port,
      args: [`--app-protocol=${kind.protocol}`, ...(options.args ?? [])],
    });
  const start = async (behaviour?: AppBehaviour, options?: DaprdOptions) => {
    const app = await kind.start(behaviour);
    return { app, sidecar: await sidecarOf(app.port, options) };
  };

  test("gets the messages of an input that it takes", async () => {
    const { app, sidecar } = await start();
    await send(sidecar, 1);
    await waitFor("the delivery", () => app.messages[0]);
    expect(app.asked).toHaveLength(1);
    expect(app.messages[0]).toMatchObject({ input: "orders", data: "1" });
  });

  test("gets none of an input that it does not take, and the log says so", async () => {
    const { app, sidecar } = await start({ takes: () => false });
    await sidecar.logged("app does not take input binding orders: ");
    expect(sidecar.output()).toMatch(/level=warning msg="app does not take /);
    await send(sidecar, 1);
    await sidecar.stop();
    expect(app.messages).toEqual([]);
  });

  test("is not asked about direction: input; output is never read", async () => {
    const { app, sidecar } = await start(
      { takes: () => false },
      {
        resources: {
          "in.yaml": embedded("orders", { direction: "Input, output" }),
          "out.yaml": embedded("out", { direction: "output" }),
        },
      },
    );
    await send(sidecar, 1, "out");
    await send(sidecar, 2, "orders");
    await waitFor("the delivery", () => app.messages[0]);
    expect(app.asked).toEqual([]);
    expect(dataOf(app)).toEqual(["2"]);
  });

  test("gets its token, and the message's metadata", async () => {
    const { app, sidecar } = await start(
      {},
      { env: { APP_API_TOKEN: "app-secret" } },
    );
    await sidecar.call("POST", "/v1.0/bindings/orders", {
      body: order(
        { a: 1 },
        { mixed: "Case", __key: "k1", "content-type": "text/plain" },
      ),
    });
    const message = await waitFor("the delivery", () => app.messages[0]);
    expect(message).toMatchObject({
      data: '{"a":1}',
      token: "app-secret",
      metadata: { mixed: "Case", __key: "k1", "content-type": "text/plain" },
    });
    expect(app.asked).toEqual(["app-secret"]);
  });

  test("gets a message that it does not take again, in order", async () => {
    let refusals = 2;
    const { app, sidecar } = await start(
      { onMessage: ({ data }) => !(data === "1" && refusals-- > 0) },
      { resources: { "a.yaml": quick } },
    );
    await send(sidecar, 1);
    await send(sidecar, 2);
    await waitFor("the second order", () => dataOf(app).includes("2"));
    expect(dataOf(app)).toEqual(["1", "1", "1", "2"]);
  });

  test("refuses one message in five once, and each partition keeps its order", async () => {
    const refused = new Set<string>();
    const { app, sidecar } = await start(
      {
        onMessage({ data }) {
          if (Number(data) % 5 !== 0 || refused.has(data)) return true;
          refused.add(data);
          return false;
        },
      },
      {
        resources: {
          "a.yaml": embedded("orders", {
            partitions: "3",
            backOffDuration: "20ms",
            consumeRetryInterval: "20ms",
          }),
        },
      },
    );
    const orders = Array.from({ length: 60 }, (_, i) => i);
    for (const data of orders)
      await sidecar.call("POST", "/v1.0/bindings/orders", {
        body: order(data, { partitionKey: `key${data % 7}` }),
      });
    await waitFor("all of them", () => new Set(dataOf(app)).size === 60);
    await waitFor("what was refused", () => app.messages.length === 72);
    const partitions = Map.groupBy(
      app.messages,
      ({ metadata }) => metadata["__partition"],
    );
    expect(partitions.size).toBe(3);
    for (const messages of partitions.values()) {
      const taken = messages.map(({ data }) => Number(data));
      expect(taken).toEqual(taken.toSorted((a, b) => a - b));
    }
  });

  test("never answers: the sidecar ends after its time, and the message comes again", async () => {
    const path = join(tempFolder("app-inputs"), "orders.db");
    const app = await kind.start({
      onMessage: () => new Promise<never>(() => {}),
    });
    const resources = { "a.yaml": embedded("orders", { path }) };
    const first = await sidecarOf(app.port, {
      resources,
      args: ["--dapr-graceful-shutdown-seconds=1"],
    });
    await send(first, 1);
    await waitFor("the delivery", () => app.messages[0]);
    first.child.kill("SIGTERM");
    expect((await first.exited).code).toBe(1);
    expect(first.output()).toContain("Graceful shutdown timeout exceeded");
    const better = await kind.start();
    await sidecarOf(better.port, { resources });
    await waitFor("it to come again", () => better.messages[0]);
    expect(dataOf(better)).toEqual(["1"]);
  });

  test("is asked again when it is slow to say what it takes", async () => {
    let asked = 0;
    const { app, sidecar } = await start(
      {
        takes: async (input) => {
          if (input === "orders" && asked++ === 0)
            await new Promise<never>(() => {});
          return true;
        },
      },
      { args: ["--app-binding-options-timeout=200ms"] },
    );
    await send(sidecar, 1);
    await waitFor("the delivery", () => app.messages[0]);
    expect(asked).toBe(2);
    await sidecar.logged(
      "could not ask the app whether it takes input binding orders",
    );
  });

  test("comes late, and gets what was stored before", async () => {
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await sidecarOf(port);
    await send(sidecar, 1);
    await sidecar.logged(`waiting on port ${port}`);
    const app = await kind.start(undefined, port);
    await waitFor("the delivery", () => app.messages[0]);
  });

  test("is away, and its messages are held", async () => {
    const { app: first, sidecar } = await start();
    await send(sidecar, 1);
    await waitFor("the delivery", () => first.messages[0]);
    await first.close();
    await send(sidecar, 2);
    await send(sidecar, 3);
    await sidecar.logged(
      "the app does not listen: input binding orders holds its messages until it does",
    );
    const second = await kind.start(undefined, first.port);
    await waitFor("both orders", () => second.messages.length >= 2);
    expect(dataOf(second)).toEqual(["2", "3"]);
  });

  test("answers with more than the body limit, which counts as refused", async () => {
    let huge = true;
    const { app, sidecar } = await start(
      {
        onMessage() {
          if (!huge) return;
          huge = false;
          return Buffer.alloc(5 * 1024 * 1024);
        },
      },
      { resources: { "a.yaml": quick } },
    );
    await send(sidecar, 1);
    await waitFor("the second delivery", () => app.messages.length >= 2);
    await sidecar.logged("larger than");
  });

  test("has no more calls under way than --app-max-concurrency, over all inputs", async () => {
    let active = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const names = ["a", "b", "c", "d"];
    const { app, sidecar } = await start(
      {
        async onMessage() {
          most = Math.max(most, ++active);
          await new Promise<void>((resolve) => waiting.push(resolve));
          active--;
        },
      },
      {
        args: ["--app-max-concurrency=2"],
        resources: Object.fromEntries(
          names.map((name) => [
            `${name}.yaml`,
            embedded(name, { path: `./${name}.db`, direction: "input,output" }),
          ]),
        ),
      },
    );
    for (const name of names) await send(sidecar, 1, name);
    for (let done = 0; done < names.length; done++) {
      const finish = await waitFor("a call under way", () => waiting.shift());
      if (done < 2)
        await waitFor("a second call beside it", () => active === 2);
      finish();
    }
    await waitFor("all four", () => app.messages.length === 4 && active === 0);
    expect(most).toBe(2);
  });

  test("starts and stops its inputs by its health; probes carry no token", async () => {
    let healthy = false;
    const { app, sidecar } = await start(
      { isHealthy: () => healthy },
      {
        env: { APP_API_TOKEN: "app-secret" },
        args: [
          "--enable-app-health-check",
          "--app-health-probe-interval=1",
          "--app-health-probe-timeout=300",
          "--app-health-threshold=1",
        ],
      },
    );
    await send(sidecar, 1);
    await waitFor("a probe", () => app.probes.length > 0);
    expect(app.probes[0]).toBeUndefined();
    expect(app.messages).toEqual([]);
    healthy = true;
    await waitFor("the first order", () => dataOf(app).includes("1"));
    healthy = false;
    await sidecar.logged("app is unhealthy (");
    await waitFor("the reading to have stopped", async () => {
      const before = app.probes.length;
      await send(sidecar, 2); // output goes on
      await waitFor("two more probes", () => app.probes.length >= before + 2);
      return !dataOf(app).includes("2");
    });
    healthy = true;
    await waitFor("the order held meanwhile", () => dataOf(app).includes("2"));
  });
});
