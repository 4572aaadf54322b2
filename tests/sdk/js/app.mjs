/** Calls each method of Dapr's SDK for JavaScript once and says how it went: see ../program.ts. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  AbstractActor,
  ActorId,
  ActorProxyBuilder,
  CommunicationProtocolEnum,
  DaprClient,
  DaprPubSubStatusEnum,
  DaprServer,
  DaprWorkflowClient,
  HttpMethod,
  StateConcurrencyEnum,
  StateConsistencyEnum,
} from "@dapr/dapr";

const protocol = process.argv[2];
const store = "statestore";
const numbers = [1, 2, 3];
const { APP_ID, APP_PORT, DAPR_HTTP_PORT, DAPR_GRPC_PORT } = process.env;
const options = {
  daprHost: "127.0.0.1",
  daprPort: protocol === "http" ? DAPR_HTTP_PORT : DAPR_GRPC_PORT,
  communicationProtocol:
    protocol === "http"
      ? CommunicationProtocolEnum.HTTP
      : CommunicationProtocolEnum.GRPC,
};

const order = Promise.withResolvers();
const server = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: APP_PORT,
  communicationProtocol: options.communicationProtocol,
  clientOptions: options,
});
await server.invoker.listen(
  "greet",
  async ({ body }) => ({ hello: JSON.parse(body).name }),
  { method: HttpMethod.POST },
);
await server.binding.receive("orders", async (data) => order.resolve(data));
const topic = (name) => `${APP_ID}-${name}`;
const orders = await subscribe("orders");
const several = await subscribe("several");
const big = mailbox();
const small = mailbox();
await server.pubsub.subscribeWithOptions("pubsub", topic("routed"), {
  route: {
    rules: [{ match: 'event.type == "big"', path: "/big" }],
    default: "/small",
  },
});
for (const [path, box] of Object.entries({ "/big": big, "/small": small }))
  server.pubsub.subscribeToRoute("pubsub", topic("routed"), path, box.put);
const bulk = mailbox();
await server.pubsub.subscribeBulk("pubsub", topic("bulk"), bulk.put, {
  maxMessagesCount: 10,
  maxAwaitDurationMs: 100,
});
const { RETRY, SUCCESS, DROP } = DaprPubSubStatusEnum;
const again = await subscribe("again", [RETRY, SUCCESS]);
const lost = await subscribe("lost", [DROP], topic("graves"));
const graves = await subscribe("graves");
await server.start();
const dapr = new DaprClient(options);

class Robot extends AbstractActor {
  async talk() {}
}

const calls = {
  "state.save": async () => {
    await dapr.state.save(store, [{ key: "one", value: { n: 1 } }]);
    assert.deepEqual(await dapr.state.get(store, "one"), { n: 1 });
  },
  "state.bulk": async () => {
    await dapr.state.save(store, [
      { key: "bulk1", value: 1 },
      { key: "bulk2", value: 2 },
    ]);
    const got = await dapr.state.getBulk(store, ["bulk1", "bulk2"]);
    assert.deepEqual(
      Object.fromEntries(got.map(({ key, data }) => [key, data])),
      { bulk1: 1, bulk2: 2 },
    );
  },
  "state.delete": async () => {
    await dapr.state.save(store, [{ key: "gone", value: 1 }]);
    await dapr.state.delete(store, "gone");
    assert.equal(await dapr.state.get(store, "gone"), "");
  },
  "state.etag": async () => {
    const options = {
      concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
      consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
    };
    await dapr.state.save(store, [{ key: "etag", value: 1 }]);
    const [{ etag }] = await dapr.state.getBulk(store, ["etag"]);
    // Over HTTP a failure is the result.
    const save = async (value) => {
      const item = { key: "etag", value, etag, options };
      const { error } = await dapr.state.save(store, [item]);
      if (error) throw error;
    };
    await save(2);
    await assert.rejects(save(3), "an old etag was taken");
    const remove = async () => {
      const done = await dapr.state.delete(store, "etag", { etag, ...options });
      if (done?.error) throw done.error;
    };
    await assert.rejects(remove(), "an old etag was taken for a delete");
    assert.equal(Number(await dapr.state.get(store, "etag")), 2);
  },
  "state.transaction": async () => {
    await dapr.state.save(store, [{ key: "old", value: 1 }]);
    await dapr.state.transaction(store, [
      { operation: "upsert", request: { key: "new", value: "2" } },
      { operation: "delete", request: { key: "old" } },
    ]);
    assert.equal(String(await dapr.state.get(store, "new")), "2");
    assert.equal(await dapr.state.get(store, "old"), "");
  },
  "state.query": async () => {
    // Over gRPC a value is bytes unless this says that it can be searched.
    const metadata = { contentType: "application/json" };
    await dapr.state.save(store, [
      { key: "q1", value: { city: "Rome" }, metadata },
      { key: "q2", value: { city: "Oslo" }, metadata },
    ]);
    const { results } = await dapr.state.query(store, {
      filter: { EQ: { city: "Oslo" } },
      sort: [],
      page: { limit: 10 },
    });
    assert.deepEqual(
      results.map(({ key }) => key),
      ["q2"],
    );
  },
  "bindings.output": async () => {
    const name = { fileName: "letter.txt" };
    await dapr.binding.send("files", "create", "Dear reader,", name);
    const got = await dapr.binding.send("files", "get", "", name);
    const bytes = protocol === "grpc" ? Buffer.from(got.data) : got;
    assert.equal(String(bytes), "Dear reader,");
  },
  [`bindings.input-${protocol}`]: async () => {
    await dapr.binding.send("orders", "create", { orderId: 1 });
    assert.deepEqual(await order.promise, { orderId: 1 });
  },
  "secrets.get": async () => {
    const got = await dapr.secret.get("vault", "first");
    assert.deepEqual(got, { first: "one" });
  },
  "secrets.bulk": async () => {
    const got = await dapr.secret.getBulk("vault");
    assert.deepEqual(got, {
      first: { first: "one" },
      second: { second: "two" },
    });
  },
  "invocation.http-app": async () => {
    const call = (...args) => dapr.invoker.invoke("neighbour", ...args);
    assert.deepEqual(await call("echo?x=1", HttpMethod.GET), {
      method: "GET",
      path: "/echo?x=1",
      body: protocol === "grpc" ? "{}" : "", // so the SDK sends it
    });
    assert.deepEqual(await call("echo", HttpMethod.POST, { a: 1 }), {
      method: "POST",
      path: "/echo",
      body: '{"a":1}',
    });
  },
  ...(protocol === "grpc" && {
    "invocation.grpc-app": async () => {
      const body = { name: "Ada" };
      const got = await dapr.invoker.invoke(
        APP_ID,
        "greet",
        HttpMethod.POST,
        body,
      );
      assert.deepEqual(got, { hello: "Ada" });
    },
  }),
  "sidecar.wait": async () => {
    await dapr.start();
    assert.equal(await dapr.health.isHealthy(), true);
  },
  "sidecar.metadata": async () => {
    const { id, components } = await dapr.metadata.get();
    assert.equal(id, APP_ID);
    assert.deepEqual(
      Object.fromEntries(components.map(({ name, type }) => [name, type])),
      {
        files: "bindings.localstorage",
        orders: "bindings.kafka",
        pubsub: "pubsub.kafka",
        [store]: "state.postgresql",
        vault: "secretstores.local.file",
      },
    );
  },
  "sidecar.set-metadata": async () => {
    assert.equal(await dapr.metadata.set("colour", "green"), true);
    const { extended } = await dapr.metadata.get();
    assert.equal(new Map(Object.entries(extended)).get("colour"), "green");
  },
  "pubsub.publish": () => publish("orders", { orderId: 1 }),
  [`pubsub.subscribe-${protocol}`]: async () => {
    assert.deepEqual(await orders.take(), { orderId: 1 });
  },
  "pubsub.publish-bulk": async () => {
    const { failedMessages } = await dapr.pubsub.publishBulk(
      "pubsub",
      topic("several"),
      numbers.map((n) => ({ n })),
    );
    assert.deepEqual(failedMessages, []);
    assert.deepEqual(await numbersFrom(several), numbers);
  },
  "pubsub.routes": async () => {
    await publish("routed", { n: 1 }, { "cloudevent.type": "big" });
    await publish("routed", { n: 2 });
    assert.deepEqual(await big.take(), { n: 1 });
    assert.deepEqual(await small.take(), { n: 2 });
  },
  "pubsub.subscribe-bulk": async () => {
    for (const n of numbers) await publish("bulk", { n });
    assert.deepEqual(await numbersFrom(bulk), numbers);
  },
  "pubsub.retry": async () => {
    await publish("again", { n: 1 });
    assert.deepEqual(await again.take(), { n: 1 });
    assert.deepEqual(await again.take(), { n: 1 });
  },
  "pubsub.drop": async () => {
    await publish("lost", { n: 1 });
    assert.deepEqual(await lost.take(), { n: 1 });
    assert.deepEqual(await graves.take(), { n: 1 });
  },
  // What follows belongs to blocks that a sidecar may lack.
  "lock.lock": () => dapr.lock.lock("locks", "it", "me", 60),
  // The SDK does these over gRPC only.
  ...(protocol === "grpc" && {
    "configuration.get": () => dapr.configuration.get("configuration", ["key"]),
    "crypto.encrypt": () =>
      dapr.crypto.encrypt("secret", {
        componentName: "crypto",
        keyName: "key",
        keyWrapAlgorithm: "RSA",
      }),
  }),
  "actors.invoke": () =>
    new ActorProxyBuilder(Robot, dapr).build(new ActorId("1")).talk(),
  "workflow.start": () =>
    protocol === "http"
      ? dapr.workflow.start("greeting", {}, "1")
      : new DaprWorkflowClient(options).scheduleNewWorkflow(
          "greeting",
          {},
          "1",
        ),
};

for (const [capability, call] of Object.entries(calls))
  await report(capability, call);
console.log("called");
await once(process.stdin, "data");
await report("sidecar.shutdown", () => dapr.sidecar.shutdown());
await dapr.stop();
await server.stop();
process.exit(0);

/** What is put in comes out in its order; a take waits for it. */
function mailbox() {
  const letters = [];
  const takers = [];
  return {
    async put(data) {
      const taker = takers.shift();
      if (taker) taker(data);
      else letters.push(data);
    },
    take: async () =>
      letters.length > 0
        ? letters.shift()
        : new Promise((resolve) => takers.push(resolve)),
  };
}

/** Its mailbox; `answers`, one for each event, and success after the last of them. */
async function subscribe(name, answers = [], deadLetterTopic = undefined) {
  const box = mailbox();
  await server.pubsub.subscribeWithOptions("pubsub", topic(name), {
    ...(deadLetterTopic && { deadLetterTopic }),
    async callback(data) {
      await box.put(data);
      return answers.shift();
    },
  });
  return box;
}

async function publish(name, data, metadata = {}) {
  const { error } = await dapr.pubsub.publish("pubsub", topic(name), data, {
    metadata,
  });
  if (error) throw error;
}

async function numbersFrom(box) {
  const got = [];
  while (got.length < numbers.length) got.push((await box.take()).n);
  return got.toSorted();
}

async function report(capability, call) {
  let result = "works";
  try {
    await call();
  } catch (error) {
    console.error(error);
    result = String(error?.message ?? JSON.stringify(error));
  }
  console.log(JSON.stringify({ capability, result }));
}
