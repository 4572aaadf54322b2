/** The message bus contract without faults: what arrives, at whom, and in which order. */
import type { PubSub, TopicMessage } from "../../runtime/contracts/pubsub.ts";
import { openPubSub } from "./open-component.ts";
import { text } from "./contract-harness.ts";
import type { PubSubHarness } from "./pubsub-harness.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

export function pubsubDeliveryCases(
  {
    type,
    has,
    setup,
    newTopic,
    open,
    keep,
    subscribe,
    collect,
    publish,
    publishAll,
    until,
    check,
  }: PubSubHarness,
  oddTopics: readonly string[],
): void {
  check("what is published arrives with the same bytes", async () => {
    const bus = await open();
    const topic = newTopic();
    const bodies = [
      Buffer.from('{ "orderId": 1.50 }'),
      Buffer.from(numbers(256)),
      Buffer.alloc(0),
      Buffer.alloc(900_000, "ü"),
    ].map((body) => body.toString("base64"));
    const { messages } = await collect(bus, topic);
    for (const body of bodies)
      await publish(bus, topic, Buffer.from(body, "base64"));
    await until("all messages", () => messages.length >= bodies.length);
    const got = messages.map(({ data }) =>
      Buffer.from(data).toString("base64"),
    );
    expect(got.sort()).toEqual(bodies.sort());
    expect(new Set(messages.map((message) => message.topic))).toEqual(
      new Set([topic]),
    );
  });

  check(
    "a message's metadata come out with it, as text",
    async () => {
      const bus = await open();
      const topic = newTopic();
      const { messages } = await collect(bus, topic);
      const metadata = { colour: "blue, light", name: "Grüße ☕", empty: "" };
      await publish(bus, topic, "x", metadata);
      await until("the message", () => messages.length === 1);
      expect(messages[0]!.metadata).toMatchObject(metadata);
      for (const value of Object.values(messages[0]!.metadata))
        expect(typeof value).toBe("string");
    },
    "metadata",
  );

  check(
    "a message's content type comes out with it",
    async () => {
      const bus = await open();
      const topic = newTopic();
      const { messages } = await collect(bus, topic);
      const contentType = "application/cloudevents+json; charset=utf-8";
      await publish(bus, topic, "{}", {}, contentType);
      await until("the message", () => messages.length === 1);
      expect(messages[0]!.contentType).toBe(contentType);
    },
    "contentType",
  );

  if (oddTopics.length > 0)
    check("unusual topics are topics of their own", async () => {
      const bus = await open();
      const topics = oddTopics.map((name) => newTopic(name));
      const all: Record<string, string[]> = {};
      for (const topic of topics) {
        all[topic] = [];
        await subscribe(bus, topic, async (message) => {
          expect(message.topic).toBe(topic);
          all[topic]!.push(text(message));
        });
      }
      for (const topic of topics) await publish(bus, topic, topic);
      await until("all messages", () =>
        topics.every((topic) => all[topic]!.length > 0),
      );
      expect(all).toEqual(
        Object.fromEntries(topics.map((topic) => [topic, [topic]])),
      );
    });

  check(
    "1,000 messages from 8 callers arrive once each, in order per key",
    async () => {
      const bus = await open();
      const topic = newTopic();
      const { seen } = await collect(bus, topic);
      await Promise.all(
        numbers(8).map(async (caller) => {
          for (const n of numbers(125))
            await publish(bus, topic, `${caller}:${n}`, {
              partitionKey: `caller-${caller}`,
            });
        }),
      );
      await until("1,000 messages", () => seen().length >= 1000);
      expect(seen()).toHaveLength(1000);
      for (const caller of numbers(8)) {
        const own = seen().filter((data) => data.startsWith(`${caller}:`));
        const right = numbers(125).map((n) => `${caller}:${n}`);
        expect(has("order") ? own : own.sort()).toEqual(
          has("order") ? right : right.sort(),
        );
      }
    },
  );

  check(
    "components with one consumerID share the messages, each other one gets all",
    async () => {
      const topic = newTopic();
      const shared = [
        await open({ consumerID: "one" }),
        await open({ consumerID: "one" }),
      ];
      const other = await open({ consumerID: "two" });
      const halves = [
        await collect(shared[0]!, topic),
        await collect(shared[1]!, topic),
      ];
      const { seen } = await collect(other, topic);
      let sent = 0;
      await until("both of one group to get something", async () => {
        await publish(other, topic, `${sent}`, { partitionKey: `k${sent++}` });
        return halves.every((half) => half.messages.length > 0);
      });
      const all = numbers(sent).map(String);
      const sorted = (list: string[]) => [...new Set(list)].sort();
      await until("all messages at each group", () =>
        [seen(), halves.flatMap((half) => half.seen())].every(
          (list) => new Set(list).size === sent,
        ),
      );
      expect(sorted(seen())).toEqual(sorted(all));
      for (const half of halves)
        expect(new Set(half.seen()).size).toBeLessThan(sent);
    },
    "durable",
    "groups",
  );

  check("topics come and go while another is read", async () => {
    const bus = await open();
    const [a, b] = [newTopic("a"), newTopic("b")];
    const first = await collect(bus, a);
    await publish(bus, a, "a1");
    const second = await collect(bus, b);
    await publish(bus, b, "b1");
    await until("one of each", () =>
      [first, second].every(({ messages }) => messages.length === 1),
    );
    await first.stop();
    await publish(bus, b, "b2");
    await until("the next one of b", () => second.messages.length === 2);
    expect(first.seen()).toEqual(["a1"]);
    const again = await collect(bus, a);
    await publish(bus, a, "a2");
    await until("a message of a", () => again.seen().includes("a2"));
    expect(again.seen()).not.toContain("a1");
    expect(second.seen()).toEqual(["b1", "b2"]);
  });

  check("a bulk is published as one by one", async () => {
    const bus = await open();
    if (!bus.publishBulk) return;
    const topic = newTopic();
    const { messages, seen } = await collect(bus, topic);
    const entries = numbers(300).map((n) => ({
      entryId: `${n}`,
      data: Buffer.from(`${n}`),
      contentType: "text/plain",
      metadata: { partitionKey: "one" },
    }));
    const errors = await bus.publishBulk(topic, entries, {});
    expect(errors.filter(Boolean)).toEqual([]);
    await until("all messages", () => messages.length >= 300);
    const right = entries.map(({ entryId }) => entryId);
    expect(has("order") ? seen() : seen().sort()).toEqual(
      has("order") ? right : right.sort(),
    );
  });

  check("of a bulk, only the entry that is wrong has an error", async () => {
    const bus = await open();
    const { badEntry } = setup();
    if (!bus.publishBulk || !badEntry) return;
    const topic = newTopic();
    const { seen } = await collect(bus, topic);
    const entry = (entryId: string, metadata = {}) => ({
      entryId,
      data: Buffer.from(entryId),
      contentType: "text/plain",
      metadata,
    });
    const errors = await bus.publishBulk(
      topic,
      [entry("1"), entry("2", badEntry.metadata), entry("3")],
      {},
    );
    expect(errors.map((error) => error instanceof Error)).toEqual([
      false,
      true,
      false,
    ]);
    expect(errors[1]!.message).toMatch(badEntry.error);
    await until("two messages", () => seen().length === 2);
    expect(seen().sort()).toEqual(["1", "3"]);
  });

  check("bulks are read as large as they may be", async () => {
    const bus = await open();
    if (!bus.subscribeBulk) return;
    const topic = newTopic();
    const bulks: string[][] = [];
    await keep(
      bus.subscribeBulk(
        { topic, metadata: {} },
        { maxMessages: 5, maxAwaitMs: 50 },
        async (messages) => {
          bulks.push(messages.map(text));
          return messages.map(() => undefined);
        },
      ),
    );
    const all = numbers(12).map(String);
    await publishAll(bus, topic, all);
    await until("all messages", () => bulks.flat().length >= 12);
    expect(bulks.flat()).toEqual(all);
    expect(Math.max(...bulks.map((bulk) => bulk.length))).toBeLessThan(6);
  });

  if (has("durable"))
    check("a message whose time is over is not delivered", async () => {
      const bus = await open();
      if (!bus.features.includes("MESSAGE_TTL")) return;
      const topic = newTopic();
      // The broker's queue, if it has one for each group, comes with the first subscription.
      const first = await collect(bus, topic);
      await first.stop();
      await publish(bus, topic, "stale", { ttlInSeconds: "1" });
      const over = Date.now() + 1200;
      await until("its time to be over", () => Date.now() > over);
      const { seen } = await collect(bus, topic);
      await publish(bus, topic, "fresh", { ttlInSeconds: "600" });
      await until("the fresh message", () => seen().includes("fresh"));
      expect(seen()).toEqual(["fresh"]);
    });

  test("open refuses wrong metadata", async () => {
    for (const { metadata, error } of setup().bad)
      await expect(openPubSub(type, { metadata })).rejects.toThrow(error);
  });

  check(
    "close may be called twice, and nothing is accepted afterwards",
    async () => {
      const bus: PubSub = await open();
      const topic = newTopic();
      const messages: TopicMessage[] = [];
      await bus.subscribe(
        { topic, metadata: {} },
        async (message) => void messages.push(message),
      );
      await bus.close();
      await bus.close();
      await expect(publish(bus, topic, "late")).rejects.toThrow(/closed/);
      expect(messages).toEqual([]);
    },
  );
}
