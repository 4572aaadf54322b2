import type { KafkaProducer } from "../../clients/kafka/producer/producer.ts";
import { createWriters } from "./writers.ts";

const message = {
  key: undefined,
  value: undefined,
  headers: [],
  timestamp: 0,
  partition: undefined,
};

function open() {
  const said: string[] = [];
  const writers = createWriters((topic): KafkaProducer => {
    let isClosed = false;
    said.push(`opens ${topic}`);
    return {
      async send() {
        if (isClosed) throw new Error("the component is closed");
        return { partition: 0, offset: 0 };
      },
      async close() {
        isClosed = true;
        said.push(`closes ${topic}`);
      },
    };
  });
  return { writers, said };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("a topic's producer is kept while it is used, and closed after five minutes without use", async () => {
  const { writers, said } = open();
  await writers.to("a")(message);
  await writers.to("b")(message);
  jest.advanceTimersByTime(4 * 60_000);
  await writers.to("a")(message);
  jest.advanceTimersByTime(2 * 60_000);
  expect(said).toEqual(["opens a", "opens b", "closes b"]);
  await writers.to("b")(message);
  expect(said.at(-1)).toBe("opens b");
});

test("after close nothing is taken, and nothing stays open", async () => {
  const { writers, said } = open();
  await writers.to("a")(message);
  await writers.close();
  await expect(writers.to("a")(message)).rejects.toThrow("is closed");
  jest.advanceTimersByTime(6 * 60_000); // what was closed is not closed again
  expect(said).toEqual(["opens a", "closes a", "opens a", "closes a"]);
});
