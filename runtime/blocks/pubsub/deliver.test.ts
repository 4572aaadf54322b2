/** One message on its way to the app, and what becomes of it. */
import { AppUnreachable } from "../../contracts/app-channel.ts";
import {
  DeliveryError,
  DeliveryInterrupted,
} from "../../contracts/delivery.ts";
import type { EventOutcome } from "../../contracts/subscription.ts";
import {
  event,
  startSubscriptions as start,
  subscription,
  type Play,
} from "../../../tests/support/subscribing.ts";
import { waitFor } from "../../../tests/wait-for.ts";

test("an event goes to the path of its subscription, as it came", async () => {
  const { bus, events, read, outcomes } = await start({
    own: [subscription()],
  });
  await read();
  await bus.send("orders", '{"id":"1",  "data":1.00}', {
    metadata: { key: "k" },
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    pubsub: "bus",
    topic: "orders",
    path: "/orders",
    metadata: { key: "k" },
  });
  expect(Buffer.from(events[0]!.envelope).toString()).toBe(
    '{"id":"1",  "data":1.00}',
  );
  expect(outcomes).toEqual(["bus orders success"]);
});

test("rules are asked in their order; what none of them takes is dropped", async () => {
  const { bus, events, read, outcomes } = await start({
    own: [
      subscription({
        rules: [
          { match: 'event.type == "a"', path: "/a" },
          { match: "event.data.n > 5", path: "/big" },
        ],
      }),
    ],
  });
  await read();
  await bus.send("orders", event({ type: "a", data: { n: 9 } }));
  await bus.send("orders", event({ data: { n: 9 } }));
  await bus.send("orders", event());
  expect(events.map(({ path }) => path)).toEqual(["/a", "/big"]);
  expect(outcomes.at(-1)).toBe("bus orders drop as success");
});

test.each([
  ["event.data.weight > 1", "can't be answered: field not found: weight"],
  ["gone == 1", "can't be answered: unresolved attribute"],
  ['"text"', 'the result of match expression "text" was not a boolean'],
])(
  "a rule %s that has no answer makes the message come again, or go to the dead-letter topic",
  async (match, why) => {
    const rules = [{ match, path: "/a" }];
    const { bus, events, log, read } = await start({
      own: [
        subscription({ rules }),
        subscription({ topic: "dead", rules, deadLetterTopic: "graves" }),
      ],
    });
    await read();
    await expect(bus.send("orders", event())).rejects.toThrow(why);
    await bus.send("dead", event());
    expect(bus.published.map(({ topic }) => topic)).toEqual(["graves"]);
    expect(events).toEqual([]);
    expect(log.lines.join("\n")).toContain(
      "error finding matching route for event 1 in pubsub bus and topic orders",
    );
  },
);

describe("what the app answers", () => {
  const failed = new DeliveryError("no", 500);
  const cases: [string, Play, boolean, boolean][] = [
    ["success", () => "success", true, false],
    ["drop", () => "drop", true, true],
    ["ignore", () => "ignore", true, false],
    ["an error", () => Promise.reject(failed), false, true],
  ];
  test.each(cases)(
    "%s: with and without a dead-letter topic",
    async (_, play, isTaken, isBuried) => {
      const { bus, read } = await start({
        own: [
          subscription(),
          subscription({ topic: "dead", deadLetterTopic: "graves" }),
        ],
        play,
      });
      await read();
      const sent = bus.send("orders", event());
      await (isTaken ? sent : expect(sent).rejects.toThrow("no"));
      await bus.send("dead", event(), {
        metadata: { key: "k" },
        contentType: "application/cloudevents+json",
      });
      expect(bus.published).toEqual(
        isBuried
          ? [
              {
                topic: "graves",
                data: Buffer.from(JSON.stringify(event())),
                contentType: "application/cloudevents+json",
                metadata: { key: "k", pubsubName: "bus" },
              },
            ]
          : [],
      );
    },
  );

  test("a message that the dead-letter topic does not take comes again", async () => {
    const { bus, log, read } = await start({
      own: [subscription({ deadLetterTopic: "graves" })],
      play: () => "drop",
      onPublish() {
        throw new Error("the broker is full");
      },
    });
    await read();
    await expect(bus.send("orders", event())).rejects.toThrow(
      "error sending message to dead letter, origin topic: orders dead letter topic graves err: the broker is full",
    );
    expect(log.lines.join("\n")).toContain("error error sending message");
  });

  test("the policy is asked before the dead-letter topic", async () => {
    let tries = 0;
    const { bus, read } = await start({
      own: [subscription({ deadLetterTopic: "graves" })],
      play: () => (++tries === 3 ? "success" : Promise.reject(failed)),
      async run(work) {
        for (;;)
          try {
            return await work();
          } catch {
            // again
          }
      },
    });
    await read();
    await bus.send("orders", event());
    expect(tries).toBe(3);
    expect(bus.published).toEqual([]);
  });
});

test("a message that is no JSON comes again, or goes to the dead-letter topic", async () => {
  const { bus, read, events, outcomes, log } = await start({
    own: [
      subscription(),
      subscription({ topic: "dead", deadLetterTopic: "graves" }),
    ],
  });
  await read();
  for (const text of ["nonsense", "[1]", "null", '"text"'])
    await expect(bus.send("orders", text)).rejects.toThrow(
      "error deserializing cloud event in pubsub bus and topic orders",
    );
  const lines = log.lines.length;
  const message = { topic: "orders", data: Buffer.from("{"), metadata: {} };
  for (let n = 0; n < 3; n++) await expect(bus.hand(message)).rejects.toThrow();
  expect(log.lines).toHaveLength(lines + 1);
  await bus.send("dead", "nonsense");
  expect(bus.published).toHaveLength(1);
  expect(events).toEqual([]);
  expect(outcomes).toContain("bus orders retry");
});

test("an event that is over is dropped", async () => {
  const { bus, read, events, log } = await start({
    own: [subscription({ deadLetterTopic: "graves" })],
  });
  await read();
  await bus.send("orders", event({ expiration: "2020-01-01T00:00:00Z" }));
  await bus.send("orders", event({ expiration: "2999-01-01T00:00:00Z" }));
  await bus.send("orders", event({ expiration: "soon" }));
  expect(events).toHaveLength(2);
  expect(bus.published).toHaveLength(1);
  expect(log.lines.join("\n")).toContain(
    "dropping expired pub/sub event 1 as of 2020-01-01T00:00:00Z",
  );
});

test("raw messages, and those with their attributes beside them, become events", async () => {
  const { bus, read, events } = await start({
    own: [
      subscription({ metadata: { rawPayload: "true" } }),
      subscription({ topic: "binary" }),
    ],
  });
  await read();
  await bus.send("orders", "raw", { metadata: { traceparent: "00-1-2-01" } });
  await bus.send("binary", Buffer.from([1, 2]), {
    contentType: "application/octet-stream",
    metadata: { ce_id: "7", CE_Type: "made", key: "k" },
  });
  expect(events[0]!.parsed()).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    specversion: "1.0",
    datacontenttype: "application/octet-stream",
    source: "Dapr",
    type: "com.dapr.event.sent",
    topic: "orders",
    pubsubname: "bus",
    data_base64: "cmF3",
    traceid: "00-1-2-01",
    traceparent: "00-1-2-01",
  });
  expect(JSON.parse(Buffer.from(events[1]!.envelope).toString())).toMatchObject(
    { id: "7", type: "made", source: "Dapr", data_base64: "AQI=" },
  );
});

test("while the app does not listen a message is held, and is no failure of it", async () => {
  let isAway = true;
  const { bus, read, listen, log, outcomes } = await start({
    own: [subscription({ deadLetterTopic: "graves" })],
    play: () =>
      isAway
        ? Promise.reject(new AppUnreachable("away", { isAway: true }))
        : "success",
  });
  await read();
  const sent = bus.send("orders", event());
  await waitFor("the warning", () =>
    log.lines.find((line) => line.includes("does not listen")),
  );
  isAway = false;
  listen();
  await sent;
  expect(bus.published).toEqual([]);
  expect(outcomes).toEqual(["bus orders success"]);
});

test("at the end what is in flight is finished, and what fails is handed back", async () => {
  const answer = Promise.withResolvers<EventOutcome>();
  const { bus, read, subscriptions, events } = await start({
    own: [
      subscription({ deadLetterTopic: "graves" }),
      subscription({ topic: "away" }),
    ],
    play: ({ topic }) =>
      topic === "away"
        ? Promise.reject(new AppUnreachable("away", { isAway: true }))
        : answer.promise,
  });
  await read();
  const first = bus.send("orders", event());
  const held = bus.send("away", event());
  await waitFor("both deliveries", () => events.length === 2);
  const stopped = subscriptions.stopReading();
  await expect(held).rejects.toBeInstanceOf(DeliveryInterrupted);
  answer.resolve("success");
  await first;
  await stopped;
  expect(bus.history.toSorted()).toEqual([
    "+away",
    "+orders",
    "-away",
    "-orders",
  ]);

  subscriptions.startReading();
  await read();
  const refused = bus.send("orders", event());
  expect(await refused).toBeUndefined();
});

test("a refusal at the end does not fill the dead-letter topic", async () => {
  const answer = Promise.withResolvers<EventOutcome>();
  const { bus, read, subscriptions, events } = await start({
    own: [subscription({ deadLetterTopic: "graves" })],
    play: () => answer.promise,
  });
  await read();
  const sent = bus.send("orders", event());
  await waitFor("the delivery", () => events.length === 1);
  const stopped = subscriptions.end();
  await waitFor("the stop", () => bus.reading().length === 0);
  answer.reject(new DeliveryError("RETRY"));
  await expect(sent).rejects.toBeInstanceOf(DeliveryInterrupted);
  await stopped;
  expect(bus.published).toEqual([]);
});

test.each<[EventOutcome, string, object]>([
  ["success", "success", {}],
  ["drop", "drop as success", {}],
  ["ignore", "drop", {}],
  ["success", "drop", { expiration: "2001-01-01T00:00:00Z" }],
])(
  "an answer %s counts as %s, of an event with %j",
  async (answer, counted, more) => {
    const { bus, outcomes, read } = await start({
      own: [subscription()],
      play: () => answer,
    });
    await read();
    await bus.send("orders", event(more));
    expect(outcomes).toEqual([`bus orders ${counted}`]);
  },
);

test("the namespace is before the broker's topic, and not before the app's", async () => {
  const { bus, events, outcomes, read } = await start({
    own: [subscription({ deadLetterTopic: "graves" })],
    metadata: [{ name: "consumerID", value: "ns.a", isNamespaced: true }],
    play: () => "drop",
  });
  await read();
  await bus.send("nsorders", event());
  expect(events[0]!.topic).toBe("orders");
  expect(outcomes).toEqual(["bus orders drop as success"]);
  expect(bus.published[0]!.topic).toBe("nsgraves");
});

describe("a dead-letter topic that leads back", () => {
  const own = [subscription({ topic: "orders", deadLetterTopic: "orders" })];

  test("is told, and its messages come again after a pause", async () => {
    const { bus, log, read } = await start({
      own,
      play: () => "drop",
      ringPauseMs: 1,
    });
    await read();
    await bus.send("orders", event());
    expect(bus.published.map(({ topic }) => topic)).toEqual(["orders"]);
    expect(log.lines).toContain(
      "warning the dead letters of topic orders of pubsub bus come back to it (orders → orders): what the app does not take comes again every second, for ever; give it a deadLetterTopic that leads elsewhere (the app's own list has it)",
    );
  });

  test("in the pause the subscription can end: the message is handed back", async () => {
    const refused = Promise.withResolvers<void>();
    const { bus, read, subscriptions } = await start({
      own,
      play() {
        refused.resolve();
        return "drop";
      },
      ringPauseMs: 3_600_000,
    });
    await read();
    const sent = bus.send("orders", event());
    await refused.promise;
    await Promise.all([
      expect(sent).rejects.toThrow(DeliveryInterrupted),
      subscriptions.stopReading(),
    ]);
    expect(bus.published).toEqual([]);
  });
});
