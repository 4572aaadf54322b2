/** A message that the app never takes. */
import { waitFor } from "../wait-for.ts";
import { keys, openTopicFlow, outOfOrder, type Bus } from "./topic-flow.ts";

const count = 400;
const poison = 3 * keys;
/** Those of its key that come after it, and itself. */
const behind = count / keys - poison / keys;

export function topicsPoison(
  bus: () => Bus,
  options: { hasPartitions: boolean },
) {
  test("a poison message ends in the dead-letter topic, once, and all others are taken", async () => {
    const flow = await openTopicFlow(bus());
    const deadLetters = `${flow.topic}-dead`;
    await flow.subscribe("a", { app: { poison }, deadLetters });
    const sending = flow.publish(count);
    await sending.done;
    const taken = (path: string) =>
      flow.taken("a").filter((one) => one.path === path);
    await waitFor("the dead letter", () => taken("/dead").length > 0);
    await waitFor("the others", () => flow.accepted("a").length >= count - 1);
    expect(taken("/dead").map(({ order }) => order)).toEqual([poison]);
    expect(
      taken("/orders").filter(({ order }) => order === poison),
    ).toHaveLength(1);
    if (options.hasPartitions) expect(outOfOrder(taken("/orders"))).toEqual([]);
  });

  test(`without a dead-letter topic a poison message holds up ${options.hasPartitions ? "its own partition only" : "nothing"}, and is taken once it is cured`, async () => {
    const flow = await openTopicFlow(bus());
    const { app } = await flow.subscribe("a", { app: { poison } });
    const sending = flow.publish(count);
    await sending.done;
    const others = count - (options.hasPartitions ? behind : 1);
    const tries = () =>
      flow.taken("a").filter(({ order }) => order === poison).length;
    await waitFor(
      "the others, and a third try",
      () => flow.accepted("a").length >= others && tries() >= 3,
    );
    expect(flow.accepted("a")).toHaveLength(others);
    app.cure();
    await flow.arrived("a", sending);
    if (options.hasPartitions)
      expect(outOfOrder(flow.accepted("a"))).toEqual([]);
  });
}
