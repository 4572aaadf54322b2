/** pubsub.rabbitmq on a real RabbitMQ against the contract of every message bus, and what is its own. */
import { randomUUID } from "node:crypto";
import type { PubSub } from "../../runtime/contracts/pubsub.ts";
import {
  startRabbitMQ,
  type RabbitServer,
} from "../support/rabbitmq-server.ts";
import { waitFor } from "../wait-for.ts";
import { collect, newTopic, publish } from "./bus-calls.ts";
import { text } from "./contract-harness.ts";
import { openPubSub } from "./open-component.ts";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

let server: RabbitServer;
beforeAll(async () => {
  server = await startRabbitMQ();
});
afterAll(() => server?.stop());

const setup = async (
  extra: Record<string, string> = {},
): Promise<PubSubSetup> => ({
  metadata: {
    connectionString: server.url,
    consumerID: `group-${randomUUID()}`,
    deletedWhenUnused: "false",
    reconnectWaitSeconds: "1",
    ...extra,
  },
  bad: [
    {
      metadata: { connectionString: "localhost:5672" },
      error: /rabbitmq pub\/sub error: invalid connection string/,
    },
    {
      metadata: { connectionString: server.url, protocol: "amqps" },
      error: /protocol does not match connection string/,
    },
    {
      metadata: { connectionString: server.url, saslExternal: "true" },
      error: /'saslExternal' needs all of/,
    },
    {
      metadata: { connectionString: server.url, deliveryMode: "3" },
      error: /'deliveryMode': 3 is not a whole number from 0 to 2/,
    },
    {
      metadata: {
        hostname: `127.0.0.1:${server.port}`,
        username: "guest",
        password: "wrong",
      },
      error: /refuses the login: ACCESS_REFUSED/,
    },
    {
      metadata: { connectionString: `${server.url}/elsewhere` },
      error: /refuses the login: NOT_ALLOWED - the virtual host elsewhere/,
    },
  ],
  outage: {
    begin() {
      // For a moment only its memory has queues that are new, and a kill would lose them.
      server.ctl("eval", "mnesia:sync_log().");
      return server.kill();
    },
    end: () => server.start(),
    error: /rabbitmq at 127\.0\.0\.1:\d+ can't be reached/,
    mayBeLate: true,
  },
});
const oddTopics = ["orders/EU", "Grüße ☕", "a,b", "%2F.."];

pubsubContract("pubsub.rabbitmq", {
  has: ["durable", "groups", "metadata", "contentType"],
  oddTopics,
  makeSetup: () => setup(),
});

describe("one message at a time", () => {
  pubsubContract("pubsub.rabbitmq", {
    has: ["durable", "groups", "order", "metadata", "contentType"],
    oddTopics,
    isSerial: true,
    makeSetup: () => setup({ concurrency: "single" }),
  });
});

describe("pubsub.rabbitmq", () => {
  let closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function open(
    extra: Record<string, string> = {},
    log: string[] = [],
  ): Promise<PubSub> {
    const { metadata } = await setup(extra);
    const bus = await openPubSub("pubsub.rabbitmq", { metadata, log });
    closing.push(() => bus.close());
    return bus;
  }
  /** What a queue holds, as rabbitmqctl says it. */
  const held = (queue: string) =>
    server
      .ctl("list_queues", "--quiet", "--no-table-headers", "name", "messages")
      .split("\n")
      .map((line) => line.split("\t"))
      .find(([name]) => name === queue)?.[1];

  test("an exchange that can't be used fails its own messages, not those that go out at the same time", async () => {
    const bus = await open();
    const [wrong, ...right] = await Promise.allSettled(
      ["amq.direct", ...Array.from({ length: 5 }, newTopic)].map((topic) =>
        publish(bus, topic, "x"),
      ),
    );
    expect(wrong).toMatchObject({
      reason: { message: expect.stringContaining("amq.direct") as string },
    });
    expect(right.map(({ status }) => status)).toEqual(
      Array.from({ length: 5 }, () => "fulfilled"),
    );
  });

  test.each<[string, string, Record<string, string>, RegExp]>([
    [
      "a topic",
      "x".repeat(256),
      {},
      /topic "x+…" has 256 bytes, .* at most 255/,
    ],
    ["a routing key", "t", { routingKey: "ü".repeat(128) }, /has 256 bytes/],
    ["a name", "t", { ["n".repeat(256)]: "1" }, /metadata "n+…" has 256/],
    ["headers", "t", { large: "x".repeat(200_000) }, /was not sent: .*exceeds/],
  ])(
    "%s that the protocol has no room for is refused, and the next message goes out",
    async (_, topic, metadata, error) => {
      const bus = await open();
      await publish(bus, newTopic(), "before");
      await expect(publish(bus, topic, "x", metadata)).rejects.toThrow(error);
      await publish(bus, newTopic(), "after");
    },
  );

  test("a message that the server refuses is an error", async () => {
    const bus = await open();
    const topic = newTopic();
    server.ctl(
      "set_policy",
      topic,
      `.*${topic}$`,
      '{"max-length": 1, "overflow": "reject-publish"}',
      "--apply-to",
      "queues",
    );
    const stop = await bus.subscribe({ topic, metadata: {} }, async () => {});
    await stop();
    await publish(bus, topic, "fits");
    await expect(publish(bus, topic, "too much")).rejects.toThrow("nacked");
  });

  test("enableDeadLetter moves a refused message to the queue dlq-<queue>", async () => {
    const log: string[] = [];
    const bus = await open({ enableDeadLetter: "true" }, log);
    const topic = newTopic();
    await bus.subscribe({ topic, metadata: { queueName: topic } }, async () => {
      throw new Error("no good");
    });
    await publish(bus, topic, "bad");
    await waitFor(
      "the dead letter",
      () => held(`dlq-${topic}`) === "1",
      undefined,
      500,
    );
    expect(held(topic)).toBe("0");
    expect(log.join("\n")).toMatch(
      /error rabbitmq: message 1 of queue .* not taken and moved to the dead-letter queue: no good/,
    );
  });

  test('requeueInFailure "false" drops a refused message, and the log says so', async () => {
    const log: string[] = [];
    const bus = await open({ requeueInFailure: "false" }, log);
    const topic = newTopic();
    const seen: string[] = [];
    await bus.subscribe({ topic, metadata: {} }, async (message) => {
      seen.push(text(message));
      if (text(message) === "bad") throw new Error("no");
    });
    await publish(bus, topic, "bad");
    await publish(bus, topic, "good");
    await waitFor("the good one", () => seen.includes("good"));
    expect(seen).toEqual(["bad", "good"]);
    expect(log.join("\n")).toMatch(
      /not taken and lost, because requeueInFailure is false: no/,
    );
  });

  test('requeueInFailure "true" gives a refused message to another reader', async () => {
    const topic = newTopic();
    const group = { consumerID: topic, requeueInFailure: "true" };
    const [one, two] = [await open(group), await open(group)];
    let refusals = 0;
    const stop = await one.subscribe({ topic, metadata: {} }, async () => {
      refusals++;
      throw new Error("not me");
    });
    await publish(one, topic, "a");
    await waitFor("a refusal", () => refusals > 0);
    const { seen } = await collect(two, topic);
    await waitFor("the other reader", () => seen().length > 0);
    await stop();
    expect(seen()).toEqual(["a"]);
  });

  test("an AMQP message's properties are what the metadata say, and come out where asked", async () => {
    const bus = await open({ publishMessagePropertiesToMetadata: "true" });
    const topic = newTopic();
    const { messages } = await collect(bus, topic, { maxPriority: "10" });
    await publish(bus, topic, "x", {
      contentType: "application/xml",
      messageID: "m1",
      correlationID: "c1",
      type: "order",
      priority: "7",
      colour: "blue",
    });
    await waitFor("the message", () => messages.length === 1);
    expect(messages[0]).toMatchObject({
      contentType: "application/xml",
      metadata: {
        "metadata.messageid": "m1",
        "metadata.correlationid": "c1",
        "metadata.type": "order",
        "metadata.contenttype": "application/xml",
        "metadata.colour": "blue",
        colour: "blue",
      },
    });
    await expect(
      publish(bus, topic, "x", { priority: "high" }),
    ).rejects.toThrow(
      `metadata 'priority': "high" is not a whole number from 0 to 255`,
    );
  });

  test("routing keys choose among messages of a topic exchange", async () => {
    const bus = await open({ exchangeKind: "topic" });
    const topic = newTopic();
    const { seen } = await collect(bus, topic, {
      routingKey: "eu.*,us.new",
      queueName: topic,
    });
    for (const routingKey of ["eu.a", "us.old", "us.new", "asia", "eu.b"])
      await publish(bus, topic, routingKey, { routingKey });
    await waitFor("three", () => seen().length >= 3);
    expect(seen().sort()).toEqual(["eu.a", "eu.b", "us.new"]);
  });

  test("a quorum queue keeps messages too, and another type is refused", async () => {
    const bus = await open();
    const topic = newTopic();
    const { seen } = await collect(bus, topic, { queueType: "quorum" });
    await publish(bus, topic, "a");
    await waitFor("the message", () => seen().length === 1);
    await expect(
      bus.subscribe({ topic, metadata: { queueType: "best" } }, async () => {}),
    ).rejects.toThrow(
      "invalid queue type best. Valid types are classic and quorum",
    );
  });

  test("an exchange or queue with other settings is an error that says which", async () => {
    const topic = newTopic();
    const bus = await open({ consumerID: topic });
    await collect(bus, topic);
    const other = await open({ consumerID: topic, exchangeKind: "direct" });
    await expect(publish(other, topic, "a")).rejects.toThrow(
      /PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'orders-/,
    );
    const limited = await open({ consumerID: topic });
    await expect(
      limited.subscribe({ topic, metadata: { maxLen: "5" } }, async () => {}),
    ).rejects.toThrow(
      /queue orders-.* can't be read: .*PRECONDITION_FAILED - inequivalent arg 'x-max-length'/,
    );
    // Both go on: one topic's trouble is its own.
    const elsewhere = newTopic();
    const { seen } = await collect(limited, elsewhere);
    await publish(other, newTopic(), "nobody's");
    await publish(bus, elsewhere, "fine");
    await waitFor("the message", () => seen().includes("fine"));
  });

  test("a queue that is deleted is read again", async () => {
    const log: string[] = [];
    const bus = await open({}, log);
    const topic = newTopic();
    const { seen } = await collect(bus, topic, { queueName: topic });
    server.ctl("delete_queue", topic);
    await waitFor("the queue", () => held(topic) !== undefined, undefined, 500);
    await waitFor("its reader", async () => {
      await publish(bus, topic, "a");
      return seen().length > 0;
    });
    expect(log.join("\n")).toMatch(
      /warning rabbitmq: queue orders-.* can't be read, trying until it can: the server has cancelled it/,
    );
  });

  test("an exchange that went with its last queue is there again for the next message", async () => {
    const bus = await open({ deletedWhenUnused: "true" });
    const topic = newTopic();
    const { stop } = await collect(bus, topic);
    await publish(bus, topic, "a");
    await stop();
    await publish(bus, topic, "nobody's");
    const { seen } = await collect(bus, topic);
    await publish(bus, topic, "b");
    await waitFor("the message", () => seen().includes("b"));
  });

  test("over connections that are cut, no message is lost and none is acknowledged twice", async () => {
    const log: string[] = [];
    const bus = await open({}, log);
    const reader = await open({ consumerID: "cut" }, log);
    const topic = newTopic();
    const seen = new Set<string>();
    await reader.subscribe({ topic, metadata: {} }, async (message) => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.add(text(message));
    });
    const sent: string[] = [];
    let isDone = false;
    const publishing = Promise.all(
      Array.from({ length: 8 }, async (_, caller) => {
        for (let n = 0; !isDone; n++) {
          await publish(bus, topic, `${caller}:${n}`);
          sent.push(`${caller}:${n}`);
        }
      }),
    );
    for (let cut = 0; cut < 3; cut++) {
      const before = seen.size;
      await waitFor("200 more messages", () => seen.size > before + 200);
      server.ctl("close_all_connections", "cut by the test");
    }
    const before = seen.size;
    await waitFor("200 more messages", () => seen.size > before + 200);
    isDone = true;
    await publishing;
    await waitFor("all that was published", () =>
      sent.every((data) => seen.has(data)),
    );
    await waitFor(
      "an empty queue",
      () => held(`cut-${topic}`) === "0",
      undefined,
      500,
    );
    // An acknowledgement of a message that came by another connection would close the channel.
    expect(log.join("\n")).not.toMatch(/unknown delivery tag/);
    expect(
      log.filter((line) => /can't be reached/.test(line)).length,
    ).toBeLessThanOrEqual(2 * 3);
  });

  test("while the server hangs a message is refused in time", async () => {
    const bus = await open();
    const topic = newTopic();
    const { seen } = await collect(bus, topic);
    await publish(bus, topic, "before");
    server.pause();
    try {
      await expect(publish(bus, topic, "during")).rejects.toThrow(
        /has not confirmed the message within 10 s: it may have it or not/,
      );
    } finally {
      server.unpause();
    }
    await publish(bus, topic, "after");
    await waitFor("that message", () => seen().includes("after"));
  });
});
