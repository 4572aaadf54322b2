/** SIGTERM under load. Every order in flight is completed. There is a dead-letter topic, so that an order that is given up would show. */
import { waitFor } from "../wait-for.ts";
import { duplicatesIn, expectInOrder, openFlow, type Place } from "./flow.ts";

export function sigterm(place: () => Place): void {
  test("on SIGTERM under load both sidecars drain and exit with 0, and no order is lost, comes twice or is dead-lettered", async () => {
    const deadLetterTopic = `dead-${process.pid}-${Date.now()}`;
    const flow = await openFlow(place(), {
      app: { delayMs: 5 },
      metadata: { deadLetterTopic, backOffMaxRetries: "0" },
    });
    const sending = flow.send(2000);
    const ended: string[] = [];
    for (let round = 1; round <= 2; round++) {
      const before = flow.accepted().length;
      await waitFor(
        "200 more deliveries",
        () => flow.accepted().length >= before + 200,
      );
      const consumer = flow.consumer;
      expect(await consumer.stop()).toEqual({ code: 0, signal: null });
      ended.push(consumer.output());
      await flow.startConsumer();

      const acked = sending.acked.size;
      await waitFor(
        "an acknowledgement",
        () => sending.acked.size > acked || sending.acked.size === 2000,
      );
      const producer = flow.producer;
      expect(await producer.stop()).toEqual({ code: 0, signal: null });
      ended.push(producer.output());
      await flow.startProducer();
    }
    await sending.done;
    await flow.arrived(sending);
    ended.push(flow.consumer.output());
    expect(sending.acked.size).toBe(2000);
    expectInOrder(flow.accepted());
    expect(ended.join("")).not.toMatch(/given up|Graceful shutdown timeout/);
    // Orders in flight are answered. Later ones find that nobody listens.
    const others = sending.refusals.filter(
      ({ text }) => !/^connect ECONN(REFUSED|RESET)/.test(text),
    );
    expect(others.filter(({ status }) => status !== 0)).toEqual([]);
    // Only a connection that is opened at the last moment may be cut before its order is read.
    expect(others.length).toBeLessThanOrEqual(2);
    const resent = new Set(sending.refusals.map(({ order }) => order));
    const once = flow.accepted().filter(({ order }) => !resent.has(order));
    expect(duplicatesIn(once)).toBe(0);
  });
}
