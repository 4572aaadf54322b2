/** An order that the app never takes. */
import { waitFor } from "../wait-for.ts";
import { expectInOrder, openFlow, partitions, type Place } from "./flow.ts";

const count = 400;
const poison = 3 * partitions;
const retries = 3;
const quick = { backOffDuration: "50ms", backOffMaxRetries: `${retries}` };

export function poisonousOrder(place: () => Place): void {
  test("a poisonous order holds up only its own partition, is logged once, and is taken in its turn once it is cured", async () => {
    const flow = await openFlow(place(), {
      app: { poison },
      metadata: { backOffDuration: "200ms" },
    });
    const sending = flow.send(count);
    await sending.done;
    const others = count - count / partitions;
    await waitFor(
      "all of the other partitions, and a fourth try",
      () =>
        flow.accepted().filter(({ partition }) => partition !== 0).length ===
          others && triesOf(flow.app.taken()) >= 4,
    );
    expect(
      flow.accepted().filter(({ partition }) => partition === 0),
    ).toHaveLength(poison / partitions);
    expect(notTaken(flow.consumer.messages())).toHaveLength(1);
    flow.app.cure();
    await flow.arrived(sending);
    expectInOrder(flow.accepted());
    expect(flow.accepted()).toHaveLength(count);
  });

  test("after its retries a poisonous order goes to the dead-letter topic, and its partition goes on", async () => {
    const deadLetterTopic = `dead-${process.pid}-${Date.now()}`;
    const flow = await openFlow(place(), {
      app: { poison },
      metadata: { ...quick, deadLetterTopic },
      withDeadLetters: true,
    });
    const sending = flow.send(count);
    await sending.done;
    const dead = () => flow.app.taken().filter(({ path }) => path === "/dead");
    await waitFor("the dead letter", () => dead().length > 0, 20_000);
    await waitFor("the others", () => flow.accepted().length === count - 1);
    expectInOrder(flow.accepted());
    expect(triesOf(flow.app.taken())).toBe(1 + retries);
    expect(dead()).toHaveLength(1);
    expect(dead()[0]).toMatchObject({
      order: poison,
      headers: {
        __topic: deadLetterTopic,
        "dead-letter-partition": "0",
        "dead-letter-offset": `${poison / partitions}`,
        "dead-letter-tries": `${1 + retries}`,
        "dead-letter-error": expect.stringContaining("500") as string,
      },
    });
    expect(givenUp(flow.consumer.messages())).toEqual([
      expect.stringMatching(/moved to .*dead/),
    ]);
  });

  test("without a dead-letter topic an order that is given up is one error in the log", async () => {
    const flow = await openFlow(place(), { app: { poison }, metadata: quick });
    const sending = flow.send(count);
    await sending.done;
    await waitFor("the others", () => flow.accepted().length === count - 1);
    expectInOrder(flow.accepted());
    expect(triesOf(flow.app.taken())).toBe(1 + retries);
    expect(givenUp(flow.consumer.messages())).toEqual([
      expect.stringContaining("skipped"),
    ]);
    expect(flow.consumer.output()).toMatch(/level=error .*given up.*skipped/);
  });
}

const triesOf = (taken: { order: number; path: string }[]) =>
  taken.filter(({ order, path }) => order === poison && path === "/orders")
    .length;
const notTaken = (messages: string[]) =>
  messages.filter((line) => line.includes("not taken"));
const givenUp = (messages: string[]) =>
  messages.filter((line) => line.includes("given up"));
