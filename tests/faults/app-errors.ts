/** The app answers 500 now and then. The original would lose every such order. */
import { duplicatesIn, expectInOrder, openFlow, type Place } from "./flow.ts";

export function appErrors(place: () => Place): void {
  test("when the app answers 500 once per 100 orders, all 2,000 are delivered, in order, once", async () => {
    const flow = await openFlow(place(), { app: { failEvery: 100 } });
    const sending = flow.send(2000);
    await sending.done;
    await flow.arrived(sending);
    const refused = flow.app.taken().filter(({ status }) => status === 500);
    expect(refused.map(({ order }) => order).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index * 100),
    );
    expect(flow.accepted()).toHaveLength(2000);
    expect(duplicatesIn(flow.accepted())).toBe(0);
    expectInOrder(flow.accepted());
  });
}
