/** pubsub.redis: what only streams have, what the original writes and expects, and what goes wrong with a server. */
import { randomUUID } from "node:crypto";
import type { Handle, PubSub } from "../../runtime/contracts/pubsub.ts";
import { openPubSub } from "../contracts/open-component.ts";
import { startProcess } from "../contracts/start-process.ts";
import { newGate, openGates } from "../support/gates.ts";
import { startSentinels } from "../support/redis-sentinels.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";
import { waitFor } from "../wait-for.ts";

let redis: RedisContainer;
let topic: string;
let group: string;
let log: string[];
let opened: PubSub[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());
beforeEach(() => {
  topic = `orders-${randomUUID()}`;
  group = `group-${randomUUID()}`;
  log = [];
});
afterEach(async () => {
  openGates();
  await Promise.all(opened.splice(0).map((bus) => bus.close()));
});

async function open(metadata: Record<string, string> = {}): Promise<PubSub> {
  const bus = await openPubSub("pubsub.redis", {
    metadata: { redisHost: redis.address, consumerID: group, ...metadata },
    log,
  });
  opened.push(bus);
  return bus;
}
const publish = (bus: PubSub, text: string, metadata = {}) =>
  bus.publish({
    topic,
    data: Buffer.from(text),
    contentType: "text/plain",
    metadata,
  });
const read = (bus: PubSub, handle: Handle) =>
  bus.subscribe({ topic, metadata: {} }, handle);
const text = ({ data }: { data: Uint8Array }) => Buffer.from(data).toString();
/** Reads and collects. */
async function collect(bus: PubSub) {
  const seen: string[] = [];
  const stop = await read(bus, async (message) => {
    seen.push(text(message));
  });
  return { seen, stop };
}
const pending = async () =>
  Number(((await redis.admin.xpending(topic, group)) as [number])[0]);
const nonePending = () =>
  waitFor(
    "all to be acknowledged",
    async () => (await pending()) === 0 || undefined,
  );

describe("entries", () => {
  test("have the original's fields, and its group and consumer name", async () => {
    const bus = await open();
    await publish(bus, '{"a":1}', { colour: "<blue>" });
    expect(
      (await redis.admin.xrange(topic, "-", "+")).map(([, fields]) => fields),
    ).toEqual([["data", '{"a":1}', "metadata", '{"colour":"<blue>"}']]);
    const gate = newGate();
    const begun = Promise.withResolvers<void>();
    await read(bus, () => (begun.resolve(), gate.promise));
    await begun.promise;
    expect(
      await redis.admin.xpending(topic, group, "-", "+", 10),
    ).toMatchObject([[expect.any(String), group, expect.any(Number), 1]]);
    gate.resolve();
    await nonePending();
  });

  test.each([
    [
      "with escapes, in the other order",
      '{"a":"\\u003cb\\u003e"}',
      { a: "<b>" },
    ],
    ["with metadata null", "null", {}],
  ])("of the original are read: %s", async (_, metadata, expected) => {
    await redis.admin.xadd(topic, "*", "metadata", metadata, "data", "x");
    const messages: unknown[] = [];
    await read(await open(), async (message) => {
      messages.push([text(message), { ...message.metadata }]);
    });
    await waitFor("the message", () => messages.length === 1);
    expect(messages).toEqual([["x", expected]]);
    expect(log.filter((line) => line.startsWith("warning"))).toEqual([]);
  });

  test("of strangers are delivered as far as they can be read, and told", async () => {
    await redis.admin.xadd(topic, "*", "data", "1", "metadata", "nonsense");
    await redis.admin.xadd(topic, "*", "other", "2");
    const { seen } = await collect(await open());
    await waitFor("both messages", () => seen.length === 2);
    expect(seen.sort()).toEqual(["", "1"]);
    expect(log.join("\n")).toMatch(
      /topic "orders-.*: message .*: its field 'metadata' is not a JSON object of texts/,
    );
  });

  test("are trimmed to about maxLenApprox, or to those younger than streamTTL", async () => {
    const bus = await open({ maxLenApprox: "10" });
    for (let n = 0; n < 500; n++) await publish(bus, `${n}`);
    expect(await redis.admin.xlen(topic)).toBeLessThan(300);
    topic = `orders-${randomUUID()}`;
    for (let n = 1; n <= 500; n++)
      await redis.admin.xadd(topic, `${n}-1`, "data", "old");
    await publish(await open({ streamTTL: "1h" }), "new");
    expect(await redis.admin.xlen(topic)).toBeLessThan(300);
  });
});

test("a new group begins at the first message", async () => {
  const bus = await open();
  await publish(bus, "early");
  const { seen } = await collect(bus);
  await waitFor("the message", () => seen.length === 1);
});

test("no more is read ahead than queueDepth, however much waits, and no more is worked on than concurrency", async () => {
  const bus = await open({ queueDepth: "20", concurrency: "3" });
  for (let n = 0; n < 20; n++)
    await bus.publishBulk!(
      topic,
      Array.from({ length: 500 }, (_, at) => ({
        entryId: `${at}`,
        data: Buffer.alloc(100),
        contentType: "text/plain",
        metadata: {},
      })),
      {},
    );
  const gates: (() => void)[] = [];
  const atEnd = newGate();
  let taken = 0;
  await read(bus, async () => {
    await Promise.race([
      new Promise<void>((resolve) => gates.push(resolve)),
      atEnd.promise,
    ]);
    taken++;
  });
  await waitFor("the workers", () => gates.length === 3);
  // More is read when half of the queue is empty.
  await waitFor("the queue", async () => (await pending()) >= 13 || undefined);
  for (let n = 0; n < 50; n++) {
    const [go] = gates.splice(0, 1);
    go!();
    await waitFor("the next one", () => gates.length === 3);
    expect(await pending()).toBeLessThanOrEqual(3 + 20 + 1);
  }
  expect(taken).toBe(50);
  const emptying = setInterval(() => {
    for (const go of gates.splice(0)) go();
  }, 1);
  await waitFor("all messages", () => taken === 10_000);
  clearInterval(emptying);
  await nonePending();
});

describe("a message", () => {
  test("that takes longer than processingTimeout is delivered once, also with a second reader", async () => {
    const quick = { processingTimeout: "1s", redeliverInterval: "50ms" };
    const gate = newGate();
    let deliveries = 0;
    const handle = async () => {
      deliveries++;
      await gate.promise;
    };
    await read(await open(quick), handle);
    await read(await open(quick), handle);
    await publish(opened[0]!, "slow");
    await waitFor("the message", () => deliveries === 1);
    const over = Date.now() + 3000;
    await waitFor("three times the limit", () => Date.now() > over);
    gate.resolve();
    await nonePending();
    expect(deliveries).toBe(1);
  });

  test("that the app does not take gives its worker back, and comes again", async () => {
    const bus = await open({
      concurrency: "1",
      processingTimeout: "1s",
      redeliverInterval: "50ms",
    });
    const seen: string[] = [];
    let isMended = false;
    await read(bus, async (message) => {
      if (text(message) === "bad" && !isMended) throw new Error("not now");
      seen.push(text(message));
    });
    await publish(bus, "bad");
    await publish(bus, "good");
    await waitFor("the other one", () => seen.includes("good"));
    await waitFor("the word", () =>
      log.some((line) =>
        /message .* stays pending and comes again after 1000 ms: not now/.test(
          line,
        ),
      ),
    );
    isMended = true;
    await waitFor("both", () => seen.length === 2);
    expect(seen).toEqual(["good", "bad"]);
    await nonePending();
  });

  test("that the app does not take is skipped if consumeRetryEnabled is false", async () => {
    const bus = await open({ consumeRetryEnabled: "false" });
    let tries = 0;
    await read(bus, async () => {
      tries++;
      throw new Error("no");
    });
    await publish(bus, "x");
    await waitFor("the try", () => tries === 1);
    await nonePending();
    expect(log.join("\n")).toMatch(
      /error redis: component "sample": topic ".*": message .* not taken and skipped/,
    );
  });

  test("that a reader had and that was deleted meanwhile does not come again", async () => {
    const id = (await redis.admin.xadd(topic, "*", "data", "1"))!;
    await redis.admin.xgroup("CREATE", topic, group, "0");
    await redis.admin.xreadgroup("GROUP", group, group, "STREAMS", topic, ">");
    await redis.admin.xdel(topic, id);
    const bus = await open({
      processingTimeout: "1ms",
      redeliverInterval: "5ms",
    });
    const { seen } = await collect(bus);
    await nonePending();
    await publish(bus, "2");
    await waitFor("the next message", () => seen.length === 1);
    expect(seen).toEqual(["2"]);
  });

  test("that a dead reader had comes again, the original's too", async () => {
    await redis.admin.xadd(topic, "*", "data", "1");
    await redis.admin.xgroup("CREATE", topic, group, "0");
    await redis.admin.xreadgroup("GROUP", group, group, "STREAMS", topic, ">");
    const { seen } = await collect(
      await open({ processingTimeout: "100ms", redeliverInterval: "20ms" }),
    );
    await waitFor("the message", () => seen.length === 1);
    await nonePending();
  });
});

describe("a group", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["the group", () => redis.admin.xgroup("DESTROY", topic, group)],
    ["the stream", () => redis.admin.del(topic)],
  ])(
    "is made anew after %s is deleted, and that is told",
    async (_, remove) => {
      const bus = await open();
      const { seen } = await collect(bus);
      await publish(bus, "before");
      await waitFor("the first message", () => seen.length === 1);
      await nonePending();
      await remove();
      await publish(bus, "after");
      await waitFor("the next message", () => seen.includes("after"));
      expect(log.join("\n")).toMatch(/its group "group-.*" was gone/);
    },
  );

  test("can't read a key of another type, and publishing says so too", async () => {
    await redis.admin.set(topic, "text");
    const bus = await open();
    const problem = /topic ".*": that key holds something else than a stream/;
    await expect(collect(bus)).rejects.toThrow(problem);
    await expect(publish(bus, "x")).rejects.toThrow(problem);
    await redis.admin.del(topic);
    const { seen } = await collect(bus);
    await publish(bus, "x");
    await waitFor("the message", () => seen.length === 1);
  });

  test("a topic is read once by a component", async () => {
    const bus = await open();
    const { stop } = await collect(bus);
    await expect(collect(bus)).rejects.toThrow("is read already");
    await stop();
    await collect(bus);
  });
});

test("a stop hands over what was read ahead, and the next reader has it at once", async () => {
  const bus = await open({ concurrency: "1", processingTimeout: "1h" });
  const gate = newGate();
  const begun: string[] = [];
  const stop = await read(bus, async (message) => {
    begun.push(text(message));
    await gate.promise;
  });
  for (const data of ["a", "b", "c"]) await publish(bus, data);
  await waitFor("the first", () => begun.length === 1);
  await waitFor(
    "all to be read",
    async () => (await pending()) === 3 || undefined,
  );
  const stopped = stop();
  gate.resolve();
  await stopped;
  expect(begun).toEqual(["a"]);
  const { seen } = await collect(
    await open({ processingTimeout: "1h", concurrency: "1" }),
  );
  await waitFor("the rest", () => seen.length === 2);
  expect(seen).toEqual(["b", "c"]);
});

test("readers and Redis are killed while numbers flow: none is lost", async () => {
  const metadata = {
    redisHost: redis.address,
    consumerID: group,
    processingTimeout: "2s",
    redeliverInterval: "200ms",
  };
  const start = () =>
    startProcess(
      { type: "pubsub.redis", metadata, topic, role: "read" },
      "pubsub-process.ts",
    );
  const readers = [start(), start()];
  const bus = await open();
  const stored: string[] = [];
  let next = 0;
  let isOver = false;
  const flowing = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const number = `${next++}`;
        await publish(bus, number).then(
          () => stored.push(number),
          () => {}, // it may have been stored or not
        );
      }
    }),
  );
  const more = () => {
    const before = stored.length;
    return waitFor("more", () => stored.length > before + 200);
  };
  const got = () => new Set(readers.flatMap((reader) => reader.got()));
  try {
    await waitFor("a reader", () => got().size > 100);
    await readers[0]!.kill();
    await more();
    readers.push(start());
    await redis.kill();
    await redis.start();
    await more();
    await readers[1]!.kill();
    await more();
  } finally {
    isOver = true;
    await flowing;
  }
  await waitFor("all that was stored", () => {
    const all = got();
    return stored.every((number) => all.has(number));
  });
  await nonePending();
  await Promise.all(readers.map((reader) => reader.kill()));
});

test("while Redis hangs a message is refused in time, and reading goes on afterwards", async () => {
  const bus = await open({ readTimeout: "500ms", dialTimeout: "500ms" });
  const { seen } = await collect(bus);
  await publish(bus, "before");
  await waitFor("the first message", () => seen.includes("before"));
  await redis.pause();
  try {
    await expect(publish(bus, "during")).rejects.toThrow(
      /redis at .* (can't be reached|was lost)/,
    );
  } finally {
    await redis.unpause();
  }
  await waitFor("the bus to take a message again", () =>
    publish(bus, "after").then(
      () => true,
      () => false,
    ),
  );
  await waitFor("that message", () => seen.includes("after"));
});

test("a cluster has topics in all slots", async () => {
  const cluster = await startRedis({
    args: ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"],
  });
  try {
    await cluster.admin.cluster("ADDSLOTSRANGE", 0, 16383);
    await waitFor("the cluster", async () =>
      String(await cluster.admin.cluster("INFO")).includes("cluster_state:ok"),
    );
    const bus = await open({
      redisHost: cluster.address,
      redisType: "cluster",
      readTimeout: "600ms",
    });
    const topics = Array.from({ length: 5 }, (_, n) => `topic-${n}`);
    const seen: string[] = [];
    const stops = [];
    for (const name of topics)
      stops.push(
        await bus.subscribe({ topic: name, metadata: {} }, async (message) => {
          seen.push(`${message.topic} ${text(message)}`);
        }),
      );
    const send = (name: string, data: string) =>
      bus.publish({
        topic: name,
        data: Buffer.from(data),
        contentType: "",
        metadata: {},
      });
    await Promise.all(topics.map((name) => send(name, "1")));
    await waitFor("all messages", () => seen.length === 5);
    expect(seen.sort()).toEqual(topics.map((name) => `${name} 1`));
    await stops[0]!();
    await cluster.kill();
    await cluster.start();
    await waitFor("the bus to take a message again", () =>
      send("topic-1", "2").then(
        () => true,
        () => false,
      ),
    );
    await waitFor("that message", () => seen.includes("topic-1 2"));
    await opened.pop()!.close();
  } finally {
    await cluster.stop();
  }
});

test("behind sentinels reading and publishing follow a failover", async () => {
  const sentinels = await startSentinels();
  try {
    const bus = await open({
      ...sentinels.metadata,
      processingTimeout: "1s",
      redeliverInterval: "100ms",
    });
    const { seen } = await collect(bus);
    await publish(bus, "before");
    await waitFor("the first message", () => seen.includes("before"));
    await sentinels.endMaster();
    await waitFor("the new server to take a message", () =>
      publish(bus, "after").then(
        () => true,
        () => false,
      ),
    );
    await waitFor("that message", () => seen.includes("after"));
    await opened.pop()!.close();
  } finally {
    await sentinels.stop();
  }
});
