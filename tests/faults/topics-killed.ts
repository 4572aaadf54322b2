/** Sidecars, apps and the broker are killed while messages flow to two apps, one of which is two processes. */
import { waitFor } from "../wait-for.ts";
import { duplicatesIn, killSidecar } from "./flow.ts";
import {
  openTopicFlow,
  outOfOrder,
  type Bus,
  type Subscriber,
} from "./topic-flow.ts";

const count = 10_000;

export function topicsKilled(bus: () => Bus, options: { keepsOrder: boolean }) {
  test(`over ${count} messages, kills of sidecars, apps and the broker, none is lost, and each app gets all`, async () => {
    const flow = await openTopicFlow(bus());
    const [first, second, alone] = await Promise.all([
      flow.subscribe("shared"),
      flow.subscribe("shared"),
      flow.subscribe("alone"),
    ]);
    const restart = async (one: Subscriber) => {
      await killSidecar(one.sidecar);
      await one.startSidecar();
    };
    const restartApp = async ({ app }: Subscriber) => {
      await app.kill();
      await app.start();
    };
    const restartBroker = async () => {
      await bus().kill();
      await bus().start();
    };
    const sending = flow.publish(count);
    const faults = [
      () => restart(first),
      () => restartApp(second),
      () => restart(alone),
      restartBroker,
      () => restartApp(alone),
      () => restart(second),
      // Both of an app, one of them while the other is down.
      () => Promise.all([restart(first), restart(second)]),
    ];
    for (const [at, fault] of faults.entries()) {
      const enough = ((at + 1) * count) / (faults.length + 1);
      await waitFor(`${Math.round(enough)} messages at each app`, () =>
        ["shared", "alone"].every(
          (group) => flow.accepted(group).length >= enough,
        ),
      );
      await fault();
    }
    await sending.done;
    expect(sending.acked.size).toBe(count);
    for (const group of ["shared", "alone"]) {
      await flow.arrived(group, sending);
      const accepted = flow.accepted(group);
      console.info(
        `${bus().name}, ${group}: ${duplicatesIn(accepted)} of ${count} came again, ${sending.refusals.length} publishes were refused`,
      );
      if (options.keepsOrder) expect(outOfOrder(accepted)).toEqual([]);
    }
  });
}
