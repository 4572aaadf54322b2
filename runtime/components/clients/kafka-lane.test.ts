import { startLane, type Lane } from "./kafka-lane.ts";
import { encodeBatch } from "./kafka-record-batch.ts";
import { waitFor } from "../../../tests/wait-for.ts";

const sequence = { producerId: -1n, epoch: -1, first: -1 };

/** A batch of records whose values are their offsets. */
async function batch(from: number, to: number): Promise<Buffer> {
  const records = Array.from({ length: to - from }, (_, n) => ({
    key: undefined,
    value: Buffer.from(String(from + n)),
    headers: [] as [string, Buffer][],
    timestamp: 0,
  }));
  const bytes = await encodeBatch(records, sequence, "none");
  bytes.writeBigInt64BE(BigInt(from), 0);
  return bytes;
}

const lanes: Lane[] = [];
afterEach(async () => {
  await Promise.all(lanes.splice(0).map((lane) => lane.stop()));
});

function open(
  offset: number,
  more: Partial<Parameters<typeof startLane>[0]> = {},
) {
  const taken: number[] = [];
  const troubles: string[] = [];
  const lane = startLane({
    topic: "t",
    partition: 0,
    offset,
    budgetBytes: 1e6,
    async handle(_topic, _partition, { value }) {
      taken.push(Number(value));
    },
    previous: undefined,
    continues: false,
    onProgress() {},
    onTrouble: ({ message }) => troubles.push(message),
    ...more,
  });
  lanes.push(lane);
  return { lane, taken, troubles };
}

test("what lies before the position in a batch is not delivered", async () => {
  const { lane, taken } = open(3);
  lane.push(await batch(0, 6));
  await waitFor("the rest", () => lane.doneOffset === 6);
  expect(taken).toEqual([3, 4, 5]);
});

test("moved back, what is done goes back at once; what was fetched before is delivered first and counts no more", async () => {
  const gate = Promise.withResolvers<void>();
  const taken: number[] = [];
  const { lane } = open(50, {
    async handle(_topic, _partition, { value }) {
      await gate.promise;
      taken.push(Number(value));
    },
  });
  lane.push(await batch(50, 53));
  lane.moveTo(0);
  expect([lane.doneOffset, lane.fetchOffset]).toEqual([0, 0]);
  lane.push(await batch(0, 2));
  gate.resolve();
  await waitFor("the new ones", () => lane.doneOffset === 2);
  expect(taken).toEqual([50, 51, 52, 0, 1]);
});

test("a lane without a position has nothing to commit until it is moved to one", async () => {
  const { lane } = open(-1);
  expect([lane.doneOffset, lane.fetchOffset]).toEqual([-1, -1]);
  lane.moveTo(7);
  expect([lane.doneOffset, lane.fetchOffset]).toEqual([7, 7]);
});

test("what the same reader did before counts, unless the topic is another", async () => {
  const first = open(0);
  first.lane.push(await batch(0, 5));
  await waitFor("all five", () => first.lane.doneOffset === 5);
  await first.lane.stop();
  const next = open(2, { previous: first.lane, continues: true });
  await waitFor("the position", () => next.lane.doneOffset === 5);
  const anew = open(0, { previous: first.lane, continues: false });
  anew.lane.push(await batch(0, 1));
  await waitFor("the first", () => anew.taken.length === 1);
  expect(anew.lane.doneOffset).toBe(1);
});

test("an old message format is told and asks for no more", async () => {
  const { lane, troubles } = open(0);
  const bytes = await batch(0, 1);
  bytes[16] = 1;
  lane.push(bytes);
  expect(troubles).toEqual([
    expect.stringContaining("messages in Kafka's old format 1"),
  ]);
  expect(lane.full).toBe(true);
});
