/** A producer for each topic that is written to. It is opened when it is needed, and closed when the topic is not written to any more. */
import type { KafkaProducer } from "../../clients/kafka/producer/producer.ts";
import { startTimer } from "../../../shared/timers.ts";

export interface Writers {
  to(topic: string): KafkaProducer["send"];
  /** Waits for what is being written. */
  close(): Promise<void>;
}

interface Writer {
  producer: KafkaProducer;
  /** It is written to now: its time begins anew. */
  use(): void;
  /** Its time does not end any more. */
  rest(): void;
}

/** A topic that nobody writes to keeps its connections for so long. */
const idleMs = 5 * 60_000;

export function createWriters(open: (topic: string) => KafkaProducer): Writers {
  const writers = new Map<string, Writer>();
  const closing = new Set<Promise<void>>();
  let isClosed = false;

  function end(topic: string): void {
    const { producer, rest } = writers.get(topic)!;
    rest();
    writers.delete(topic);
    const closed = producer.close().finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function start(topic: string) {
    const producer = open(topic);
    let timer: NodeJS.Timeout | undefined;
    const writer: Writer = {
      producer,
      rest: () => clearTimeout(timer),
      use() {
        clearTimeout(timer);
        timer = startTimer(() => end(topic), idleMs);
        timer.unref();
      },
    };
    writers.set(topic, writer);
    return writer;
  }

  return {
    to(topic) {
      // A producer that was closed says so to whoever writes.
      const writer = writers.get(topic) ?? start(topic);
      if (isClosed) end(topic);
      else writer.use();
      return writer.producer.send;
    },
    async close() {
      isClosed = true;
      for (const topic of writers.keys()) end(topic);
      await Promise.all(closing);
    },
  };
}
