/** The app is killed, and stays down for a while. */
import { waitFor } from "../wait-for.ts";
import {
  duplicatesIn,
  expectInOrder,
  openFlow,
  partitions,
  type Place,
} from "./flow.ts";

const kills = 5;
/** How many orders are stored while the app is down for the longer time. */
const piledUp = 400;

export function appKilled(place: () => Place): void {
  test(`when the app is killed ${kills} times over 2,000 orders, none is lost, the order is kept, and work resumes`, async () => {
    const flow = await openFlow(place(), { app: { delayMs: 1 } });
    const sending = flow.send(2000);
    for (let kill = 1; kill <= kills; kill++) {
      const before = flow.accepted().length;
      await waitFor(
        "150 more deliveries",
        () => flow.accepted().length >= before + 150,
      );
      await flow.app.kill();
      if (kill === kills) {
        const stored = sending.acked.size;
        await waitFor(
          "orders to pile up",
          () => sending.acked.size >= Math.min(stored + piledUp, 2000),
        );
      }
      const had = flow.accepted().length;
      await flow.app.start();
      await waitFor("a delivery", () => flow.accepted().length > had);
    }
    await sending.done;
    await flow.arrived(sending);
    expect(sending.refusals).toEqual([]);
    expect(sending.acked.size).toBe(2000);
    expectInOrder(flow.accepted());
    // Only orders that it had noted but not answered come again.
    expect(duplicatesIn(flow.accepted())).toBeLessThanOrEqual(
      kills * partitions,
    );
    expect(flow.consumer.child.exitCode).toBeNull();
  });
}
