import type { KafkaConsumer } from "../../clients/kafka/consumer/consumer.ts";
import type { TopicHandler } from "../../clients/kafka/consumer/partition-queue.ts";
import { createReaders } from "./readers.ts";

const handler: TopicHandler = { async handle() {} };

/** Readers with members that only say what is asked of them; each stop lasts until `release`. */
function open() {
  const said: string[] = [];
  const ends: (() => void)[] = [];
  let members = 0;
  const later = () => new Promise<void>((resolve) => ends.push(resolve));
  const readers = createReaders((topics): KafkaConsumer => {
    const name = `member ${++members}`;
    said.push(`${name} joins for ${[...topics.keys()].join()}`);
    return {
      add: (topic) => void said.push(`${name} adds ${topic}`),
      remove: (topic) => (said.push(`${name} removes ${topic}`), later()),
      stop: () => (said.push(`${name} leaves`), later()),
    };
  });
  const release = () => {
    for (const end of ends.splice(0)) end();
  };
  return { readers, said, release };
}

test("one member reads all topics, and leaves with the last one", async () => {
  const { readers, said, release } = open();
  const stopA = await readers.read("a", handler);
  const stopB = await readers.read("b", handler);
  const stopped = [stopA(), stopB(), stopB()];
  release();
  await Promise.all(stopped);
  const stopC = readers.read("c", handler).then((stop) => stop());
  await new Promise(setImmediate);
  release();
  await stopC;
  expect(said).toEqual([
    "member 1 joins for a",
    "member 1 adds b",
    "member 1 removes a",
    "member 1 leaves",
    "member 2 joins for c",
    "member 2 leaves",
  ]);
});

test("a topic that is read is refused; one that ends is waited for", async () => {
  const { readers, said, release } = open();
  const stop = await readers.read("a", handler);
  await expect(readers.read("a", handler)).rejects.toThrow(
    'kafka error: topic "a" is read already',
  );
  const stopped = stop();
  const again = readers.read("a", handler);
  await new Promise(setImmediate);
  expect(said.at(-1)).toBe("member 1 leaves");
  release();
  await Promise.all([stopped, again]);
  expect(said.at(-1)).toBe("member 2 joins for a");
  const closed = readers.close();
  release();
  await closed;
  await expect(readers.read("b", handler)).rejects.toThrow("is closed");
});
