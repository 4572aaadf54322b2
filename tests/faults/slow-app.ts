/** An order takes the app longer than the reader's session, and the backlog is far larger than what is read ahead. */
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { waitFor } from "../wait-for.ts";
import {
  duplicatesIn,
  openFlow,
  partitions,
  shortSessionMs,
  type Place,
} from "./flow.ts";

/** The number of waiting orders. They have 20 MB, more than is read ahead in number and in size. */
const backlog = 5000;
const padding = 4000;

export function slowApp(place: () => Place): void {
  test("with a slow app and 5,000 waiting orders of 4 kB, memory stays flat, there is no rebalance, and no order comes twice", async () => {
    const flow = await openFlow(place(), {
      app: { delayMs: shortSessionMs + 500 },
      sessionMs: shortSessionMs,
      asleep: true,
    });
    await flow.startProducer();
    // The order within a partition does not matter here, so several are sent at once.
    const sending = flow.send(backlog, {
      callersPerPartition: 8,
      padding,
    });
    await sending.done;
    await flow.startConsumer();
    await rounds(1);
    const early = canReadMemory ? memoryOf(flow.consumer.pid).rss : 0;
    await rounds(3);
    const late = canReadMemory ? memoryOf(flow.consumer.pid).rss : 0;
    expect(late - early).toBeLessThan(15);
    expect(late).toBeLessThan(150);
    expect(duplicatesIn(flow.accepted())).toBe(0);
    expect(
      flow.consumer
        .messages()
        .filter((line) => /: reading |rebalanc|again in/.test(line)).length,
    ).toBeLessThanOrEqual(1);

    async function rounds(count: number) {
      await waitFor(
        `${count} rounds of deliveries`,
        () => flow.accepted().length >= count * partitions,
        30_000,
      );
    }
  });
}
