/** The broker is killed under load, or starts later than everything else. */
import type { KafkaBroker } from "../contracts/kafka-broker.ts";
import { waitFor } from "../wait-for.ts";
import {
  duplicatesIn,
  expectInOrder,
  openFlow,
  partitions,
  shortSessionMs,
  uncommittedMs,
  type Place,
} from "./flow.ts";

const downMs = 10_000;

export function brokerKilled(
  place: () => Place,
  broker: () => KafkaBroker,
): void {
  test("when the broker is killed under load and is up again after 10 s, every 2xx is delivered, other callers get an error, and work resumes by itself", async () => {
    const flow = await openFlow(place(), {
      metadata: { deliveryTimeout: "10s" },
      sessionMs: shortSessionMs,
    });
    const sending = flow.send(2000);
    await waitFor("500 deliveries", () => flow.accepted().length >= 500);
    await broker().kill();
    const killedAt = Date.now();
    await waitFor(
      `${downMs} ms without a broker, and a refused order`,
      () => Date.now() - killedAt > downMs && sending.refusals.length > 0,
      2 * downMs,
    );
    const acked = sending.acked.size;
    expect(acked).toBeLessThan(2000);
    const had = flow.accepted().length;
    await broker().start();
    await waitFor("an acknowledgement", () => sending.acked.size > acked);
    await waitFor("a delivery", () => flow.accepted().length > had);

    await sending.done;
    await flow.arrived(sending);
    expect(sending.acked.size).toBe(2000);
    expectInOrder(flow.accepted());
    for (const { status, text } of sending.refusals)
      expect([status, text]).toEqual([
        500,
        expect.stringContaining("ERR_INVOKE_OUTPUT_BINDING"),
      ]);
    // These may come twice: orders that the caller sent again, and orders delivered but not committed.
    const uncommitted = flow
      .accepted()
      .filter(
        ({ at }) => at > killedAt - uncommittedMs && at < killedAt + downMs,
      );
    expect(duplicatesIn(flow.accepted())).toBeLessThanOrEqual(
      sending.refusals.length + uncommitted.length + partitions,
    );
    for (const { child } of [flow.producer, flow.consumer])
      expect(child.exitCode).toBeNull();
  });

  test("sidecars that start before the broker need no restart, nor do they when it goes and comes back", async () => {
    await broker().kill();
    const flow = await openFlow(place());
    const sending = flow.send(20 * partitions);
    await flow.consumer.logged("dapr initialized", 10_000);
    expect(sending.acked.size).toBe(0);
    await broker().start();
    await sending.done;
    await flow.arrived(sending);

    // The broker is down while no orders flow.
    await broker().kill();
    await flow.consumer.logged("trying again");
    await broker().start();
    const more = flow.send(40 * partitions);
    await more.done;
    await flow.arrived(more);
    expectInOrder(flow.accepted());
  });
}
