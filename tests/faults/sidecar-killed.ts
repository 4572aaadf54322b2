/** Either sidecar is killed (kill -9) while orders flow. */
import { waitFor } from "../wait-for.ts";
import {
  duplicatesIn,
  expectInOrder,
  killSidecar,
  openFlow,
  partitions,
  shortSessionMs,
  uncommittedMs,
  type Place,
} from "./flow.ts";

const full = process.env.DAPR_TEST_FULL === "true";
const count = full ? 10_000 : 2000;
const kills = 5;

export function sidecarKilled(place: () => Place): void {
  test(`when the consumer's sidecar is killed ${kills} times over ${count} orders, none is lost, the order is kept, and few come twice`, async () => {
    const flow = await openFlow(place(), {
      app: { delayMs: 10 },
      sessionMs: shortSessionMs,
    });
    const sending = flow.send(count);
    let allowed = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const before = flow.accepted().length;
      await waitFor(
        `delivery ${before + count / 10}`,
        () => flow.accepted().length >= before + count / 10,
        30_000,
      );
      const killedAt = Date.now();
      await killSidecar(flow.consumer);
      allowed +=
        partitions +
        flow.accepted().filter(({ at }) => at > killedAt - uncommittedMs)
          .length;
      await flow.startConsumer();
    }
    await sending.done;
    await flow.arrived(sending);
    expect(sending.refusals).toEqual([]);
    expect(sending.acked.size).toBe(count);
    expectInOrder(flow.accepted());
    expect(duplicatesIn(flow.accepted())).toBeLessThanOrEqual(allowed);
  }, 900_000);

  test("when the producer's sidecar is killed twice over 2,000 orders, every acknowledged one arrives, in order", async () => {
    const flow = await openFlow(place());
    const sending = flow.send(2000);
    for (let kill = 1; kill <= 2; kill++) {
      const before = sending.acked.size;
      await waitFor(
        "300 more acknowledgements",
        () => sending.acked.size >= before + 300,
      );
      await killSidecar(flow.producer);
      await flow.startProducer();
    }
    await sending.done;
    await flow.arrived(sending);
    expect(sending.acked.size).toBe(2000);
    expectInOrder(flow.accepted());
    // Only orders that were stored but not acknowledged come twice, since the caller sent them again.
    expect(sending.refusals.length).toBeGreaterThan(0);
    expect(sending.refusals.filter(({ status }) => status !== 0)).toEqual([]);
    const resent = new Set(sending.refusals.map(({ order }) => order));
    const twice = flow
      .accepted()
      .map(({ order }) => order)
      .filter((order, at, all) => all.indexOf(order) !== at);
    expect(twice.filter((order) => !resent.has(order))).toEqual([]);
    expect(twice.length).toBeLessThanOrEqual(2 * partitions);
  });
}
