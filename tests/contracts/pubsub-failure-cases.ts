/** The message bus contract when a message is refused, a reader stops or its process dies, or the broker is away. */
import { text } from "./contract-harness.ts";
import type { PubSubHarness } from "./pubsub-harness.ts";

export function pubsubFailureCases({
  setup,
  newTopic,
  open,
  keep,
  subscribe,
  collect,
  publish,
  publishAll,
  until,
  start,
  has,
  isSerial,
  check,
}: PubSubHarness): void {
  check("a message that is refused comes again until it is taken", async () => {
    const bus = await open();
    const topic = newTopic();
    const all = Array.from({ length: 20 }, (_, n) => `m${n}`);
    const tries: string[] = [];
    const taken: string[] = [];
    let refusals = 3;
    await subscribe(bus, topic, async (message) => {
      tries.push(text(message));
      if (text(message) === "m7" && refusals-- > 0) throw new Error("not now");
      taken.push(text(message));
    });
    await publishAll(bus, topic, all);
    await until("twenty messages", () => taken.length >= 20);
    expect(has("order") ? taken : taken.sort()).toEqual(
      has("order") ? all : all.sort(),
    );
    expect(tries.filter((data) => data === "m7")).toHaveLength(4);
  });

  check(
    "while a message is refused, others go on",
    async () => {
      if (isSerial) return;
      const bus = await open();
      const topic = newTopic();
      const taken: string[] = [];
      let tries = 0;
      let mended = false;
      await subscribe(bus, topic, async (message) => {
        if (text(message) === "bad" && !mended) {
          tries++;
          throw new Error("not now");
        }
        taken.push(text(message));
      });
      await publish(bus, topic, "bad", { partitionKey: "bad" });
      await until("a refusal", () => tries > 0);
      for (let n = 0; n < 50; n++)
        await publish(bus, topic, `${n}`, { partitionKey: `key ${n}` });
      await until("some other messages", () => taken.length > 10);
      const before = tries;
      await until("another refusal", () => tries > before);
      expect(taken).not.toContain("bad");
      mended = true;
      await until("all messages", () => taken.length >= 51);
      expect(taken).toHaveLength(51);
    },
    "durable",
  );

  check("of a bulk, what is refused comes again", async () => {
    const bus = await open();
    if (!bus.subscribeBulk) return;
    const topic = newTopic();
    const taken: string[] = [];
    let refusals = 2;
    await keep(
      bus.subscribeBulk(
        { topic, metadata: {} },
        { maxMessages: 4, maxAwaitMs: 20 },
        async (messages) =>
          messages.map((message) => {
            if (text(message) === "2" && refusals-- > 0)
              return new Error("not now");
            taken.push(text(message));
            return undefined;
          }),
      ),
    );
    const all = ["0", "1", "2", "3", "4", "5"];
    await publishAll(bus, topic, all);
    await until("all messages", () => new Set(taken).size === 6);
    expect([...new Set(taken)].sort()).toEqual(all);
    expect(refusals).toBeLessThanOrEqual(0);
  });

  check("stopping waits for messages in flight", async () => {
    const bus = await open();
    const topic = newTopic();
    const started: string[] = [];
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const stop = await subscribe(bus, topic, async (message) => {
      started.push(text(message));
      await held;
    });
    await publish(bus, topic, "a");
    await until("the message", () => started.length === 1);
    let stopped = false;
    const stopping = stop().then(() => (stopped = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).toBe(false);
    release();
    await stopping;
    const { seen } = await collect(bus, topic);
    await publish(bus, topic, "b");
    await until("the next message", () => seen().includes("b"));
    expect(seen()).toEqual(["b"]);
  });

  check(
    "after a restart, what was taken does not come again, and what came meanwhile does",
    async () => {
      const first = await open();
      const topic = newTopic();
      const early = await collect(first, topic);
      await publishAll(first, topic, ["a", "b", "c"]);
      await until("three messages", () => early.messages.length === 3);
      await first.close();
      const writer = await open({ consumerID: "another" });
      await publishAll(writer, topic, ["d", "e"]);
      const late = await collect(await open(), topic);
      await publishAll(writer, topic, ["f"]);
      await until("three more", () => late.messages.length >= 3);
      expect(late.seen().sort()).toEqual(["d", "e", "f"]);
    },
    "durable",
  );

  check(
    "a message that was refused until the stop is there for the next reader",
    async () => {
      const bus = await open();
      const topic = newTopic();
      let tries = 0;
      const stop = await subscribe(bus, topic, async () => {
        tries++;
        throw new Error("no");
      });
      await publish(bus, topic, "a");
      await until("a refusal", () => tries > 0);
      await stop();
      const { seen } = await collect(bus, topic);
      await until("the message", () => seen().length > 0);
      expect(seen()).toEqual(["a"]);
    },
    "durable",
  );

  check(
    "after a reader's process is killed, what it had not taken comes again, and what it had does not",
    async () => {
      const topic = newTopic();
      const doomed = start({ topic, take: 2 });
      await until("the reader", () => doomed.lines.includes("ready"));
      const writer = await open({ consumerID: "another" });
      await publishAll(writer, topic, ["a", "b", "c", "d"]);
      await until("the third message", () => doomed.got().length >= 3);
      // What was taken is reported before long; a kill within that time only repeats it.
      await doomed.kill();
      const { seen } = await collect(await open(), topic);
      await until("the rest", () =>
        ["c", "d"].every((data) => seen().includes(data)),
      );
    },
    "durable",
  );

  check("a process that has closed its bus ends by itself", async () => {
    const child = start({ topic: newTopic(), role: "once" });
    expect(await child.exited).toBe(0);
    expect(child.lines).toEqual(["ready", "got x", "closed"]);
  });

  check(
    "while the broker is away a message is refused in time, and afterwards all goes on",
    async () => {
      const { outage } = setup();
      if (!outage) return;
      const bus = await open();
      const topic = newTopic();
      const { seen } = await collect(bus, topic);
      await publish(bus, topic, "before");
      await until("the first message", () => seen().includes("before"));
      await outage.begin();
      try {
        await expect(publish(bus, topic, "during")).rejects.toThrow(
          outage.error,
        );
      } finally {
        await outage.end();
      }
      await until("the bus to take a message again", () =>
        publish(bus, topic, "after").then(
          () => true,
          () => false,
        ),
      );
      await until("that message", () => seen().includes("after"));
    },
  );

  check("a broker that is late is waited for", async () => {
    const { outage } = setup();
    if (!outage?.mayBeLate) return;
    const log: string[] = [];
    const topic = newTopic();
    await outage.begin();
    let seen: () => string[];
    let bus;
    try {
      bus = await open({}, log);
      ({ seen } = await collect(bus, topic));
    } finally {
      await outage.end();
    }
    await until("a message to arrive", async () => {
      await publish(bus, topic, "x").catch(() => {});
      return seen().length > 0;
    });
    const told = log.filter((line) => /^warning .*can't be reached/.test(line));
    expect(told).toHaveLength(1);
  });
}
