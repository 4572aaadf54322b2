/** Streams that take the events of a topic. */
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import type { EventOutcome, TopicEvent } from "../../contracts/subscription.ts";
import {
  event,
  startSubscriptions as start,
  subscription,
  type Play,
  type Started,
} from "../../../tests/support/subscribing.ts";

describe("streams", () => {
  const open = ({ subscriptions }: Started, deliver: Play, onEnd = () => {}) =>
    subscriptions.stream({
      pubsub: "bus",
      topic: "orders",
      metadata: {},
      deadLetterTopic: "",
      deliver: async (one) => deliver(one),
      onEnd,
    });

  test("compete for the events of their topic, which is read once", async () => {
    const one = await start();
    const taken: string[] = [];
    await open(one, () => {
      taken.push("first");
      return "success";
    });
    await open(one, () => {
      taken.push("second");
      return "success";
    });
    for (let i = 0; i < 4; i++) await one.bus.send("orders", event());
    expect(taken).toEqual(["first", "second", "first", "second"]);
    expect(one.bus.history).toEqual(["+orders"]);
    expect(one.subscriptions.list()).toMatchObject([
      { origin: "STREAMING", rules: [{ match: "", path: "/" }] },
      { origin: "STREAMING" },
    ]);
  });

  test("what a stream that breaks off has not answered goes to another one, or back", async () => {
    const one = await start();
    const gone = Promise.withResolvers<EventOutcome>();
    const leave = await open(one, () => gone.promise);
    const sent = one.bus.send("orders", event());
    const other: TopicEvent[] = [];
    const leaveOther = await open(one, (seen) => {
      other.push(seen);
      return "success";
    });
    const left = leave();
    gone.reject(new DeliveryInterrupted("gone"));
    await Promise.all([sent, left]);
    expect(other).toHaveLength(1);
    await leaveOther();
    expect(one.bus.history).toEqual(["+orders", "-orders"]);
    expect(one.subscriptions.list()).toEqual([]);
  });

  test("take part beside the app, and go on while it is not healthy", async () => {
    const one = await start({ own: [subscription()] });
    await one.read();
    const taken: TopicEvent[] = [];
    await open(one, (seen) => {
      taken.push(seen);
      return "success";
    });
    await one.bus.send("orders", event());
    await one.bus.send("orders", event());
    expect([one.events.length, taken.length]).toEqual([1, 1]);
    await one.subscriptions.stopReading();
    await one.bus.send("orders", event());
    await one.bus.send("orders", event());
    expect([one.events.length, taken.length]).toEqual([1, 3]);
    expect(one.bus.history).toEqual(["+orders"]);
  });

  test("end with the sidecar", async () => {
    const one = await start();
    let isOver = false;
    await open(
      one,
      () => "success",
      () => (isOver = true),
    );
    await one.subscriptions.end();
    expect(isOver).toBe(true);
    expect(one.bus.history).toEqual(["+orders", "-orders"]);
    await expect(open(one, () => "success")).rejects.toThrow("ends");
  });

  test("of a component that is not there are refused", async () => {
    const { subscriptions } = await start({
      metadata: [{ name: "allowedTopics", value: "orders" }],
    });
    const wanted = {
      metadata: {},
      deadLetterTopic: "",
      deliver: async () => "success" as const,
      onEnd() {},
    };
    await expect(
      subscriptions.stream({ ...wanted, pubsub: "gone", topic: "t" }),
    ).rejects.toThrow("pubsub gone is not found");
    await expect(
      subscriptions.stream({ ...wanted, pubsub: "bus", topic: "t" }),
    ).rejects.toThrow(
      "subscription to topic 't' on pubsub 'bus' is not allowed",
    );
  });
});
