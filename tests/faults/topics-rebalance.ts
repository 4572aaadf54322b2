/** Another sidecar of the group comes and goes all the time, so that partitions change hands under load. */
import { waitFor } from "../wait-for.ts";
import { duplicatesIn } from "./flow.ts";
import { openTopicFlow, outOfOrder, type Bus } from "./topic-flow.ts";

const visits = 4;

export function topicsRebalance(bus: () => Bus) {
  test(`with ${2 * visits} rebalances under load none is lost, and the order of each key is kept`, async () => {
    const flow = await openTopicFlow(bus());
    const first = await flow.subscribe("shared");
    const sending = flow.publish(Infinity);
    const more = async () => {
      const before = flow.accepted("shared").length;
      await waitFor(
        "500 more messages",
        () => flow.accepted("shared").length >= before + 500,
      );
    };
    const readings = () =>
      first.sidecar.messages().filter((line) => line.includes(": reading "))
        .length;
    const second = await flow.subscribe("shared");
    for (let visit = 1; visit <= visits; visit++) {
      if (visit > 1) await second.startSidecar();
      await second.sidecar.logged(": reading ");
      await more();
      const { code } = await second.sidecar.stop();
      expect(code).toBe(0);
      await more();
    }
    await sending.stop();
    await flow.arrived("shared", sending);
    const accepted = flow.accepted("shared");
    console.info(
      `${bus().name}: ${readings()} memberships of the first sidecar; ${duplicatesIn(accepted)} of ${sending.acked.size} came again`,
    );
    expect(readings()).toBeGreaterThan(visits);
    expect(outOfOrder(accepted)).toEqual([]);
    // Each one finishes what is in flight, and commits, before another has its partitions.
    expect(duplicatesIn(accepted)).toBe(0);
  });
}
