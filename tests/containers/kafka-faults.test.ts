import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Binding } from "../../runtime/contracts/binding.ts";
import type { Message } from "../../runtime/contracts/delivery.ts";
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { openBinding } from "../contracts/open-component.ts";
import { waitFor } from "../wait-for.ts";

let broker: KafkaBroker;
let cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  broker = await startKafka();
});
afterAll(() => broker?.stop());
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

const open = async (
  topic: string,
  extra: Record<string, string> = {},
  log: string[] = [],
): Promise<Binding> => {
  const binding = await openBinding("bindings.kafka", {
    metadata: {
      brokers: broker.address,
      authType: "none",
      topics: topic,
      publishTopic: topic,
      consumerGroup: topic,
      initialOffset: "oldest",
      sessionTimeout: "6s",
      heartbeatInterval: "500ms",
      ...extra,
    },
    log,
  });
  cleanups.push(() => binding.close());
  return binding;
};
const send = (
  binding: Binding,
  data: string,
  metadata: Record<string, string> = {},
) =>
  binding.invoke!({ operation: "create", data: Buffer.from(data), metadata });
const text = (message: Message) => Buffer.from(message.data).toString();
const newTopic = () => `faults-${randomUUID()}`;
const collect = async (binding: Binding) => {
  const seen: string[] = [];
  const stop = await binding.read!(async (message) => {
    seen.push(text(message));
    return undefined;
  });
  cleanups.push(stop);
  return seen;
};

/** Sends 0, 1, 2 … in order to one partition, eight at a time, until it is stopped. */
function numbersTo(binding: Binding) {
  const acked = new Set<number>();
  const errors: string[] = [];
  let next = 0;
  let going = true;
  const caller = async () => {
    while (going) {
      const number = next++;
      try {
        await send(binding, String(number), { partitionNumber: "0" });
        acked.add(number);
      } catch (error) {
        errors.push((error as Error).message);
      }
      await sleep(1);
    }
  };
  const callers = Promise.all(Array.from({ length: 8 }, caller));
  return {
    acked,
    errors,
    async stop() {
      going = false;
      await callers;
    },
  };
}

test("after a broker is killed under load, every acknowledged message is stored, once and in order, and work resumes by itself", async () => {
  const topic = newTopic();
  const binding = await open(topic, { deliveryTimeout: "10s" });
  const delivered = await collect(binding);
  const numbers = numbersTo(binding);
  for (let kills = 0; kills < 2; kills++) {
    const before = numbers.acked.size;
    await waitFor("300 more", () => numbers.acked.size > before + 300);
    await broker.kill();
    const failuresBefore = numbers.errors.length;
    if (kills === 0)
      // Until a caller has got an error.
      await waitFor(
        "a failed call",
        () => numbers.errors.length > failuresBefore,
        15_000,
      );
    const stored = numbers.acked.size;
    const heard = delivered.length;
    await broker.start();
    await waitFor("an acknowledgement", () => numbers.acked.size > stored);
    await waitFor("a delivery", () => delivered.length > heard);
  }
  await numbers.stop();
  for (const message of numbers.errors) {
    expect(message).toContain(broker.address);
    expect(message).toContain(topic);
  }

  const acked = [...numbers.acked].map(String);
  await waitFor("every acknowledged number", () => {
    const seen = new Set(delivered);
    return acked.every((number) => seen.has(number));
  });
  // Another group reads the whole log.
  const reader = await open(topic, { consumerGroup: `${topic}-check` });
  const stored = await collect(reader);
  const last = String(Math.max(...numbers.acked));
  await waitFor("the last number", () => stored.includes(last));
  expect(stored).toEqual(
    [...new Set(stored)].sort((a, b) => Number(a) - Number(b)),
  );
  expect(acked.filter((number) => !stored.includes(number))).toEqual([]);
});

test("before the broker is up, open returns at once; later what was sent is stored, and reading begins", async () => {
  const topic = newTopic();
  await broker.kill();
  // Both return although no broker is there. The message waits, however slowly the broker starts.
  const binding = await open(topic, { deliveryTimeout: "10m" });
  const seen = await collect(binding);
  const sent = send(binding, "early");
  await broker.start();
  await sent;
  await waitFor("the message", () => seen.includes("early"));
});

test("an app that answers an error once per 100 gets every message", async () => {
  const binding = await open(newTopic());
  const taken: number[] = [];
  let deliveries = 0;
  await Promise.all(
    Array.from({ length: 1000 }, (_, n) =>
      send(binding, String(n), { partitionNumber: String(n % 3) }),
    ),
  );
  const stop = await binding.read!(async (message) => {
    if (++deliveries % 100 === 0) throw new Error("503");
    taken.push(Number(text(message)));
    return undefined;
  });
  cleanups.push(stop);
  await waitFor("1,000 messages", () => taken.length >= 1000);
  expect(taken.toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 1000 }, (_, n) => n),
  );
  for (let partition = 0; partition < 3; partition++) {
    const own = taken.filter((n) => n % 3 === partition);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
});

test("a message that is always refused blocks only its own partition, and is logged once", async () => {
  const log: string[] = [];
  const binding = await open(newTopic(), {}, log);
  await send(binding, "poison", { partitionNumber: "0" });
  await send(binding, "behind", { partitionNumber: "0" });
  for (let n = 0; n < 50; n++)
    await send(binding, `other-${n}`, { partitionNumber: "1" });
  let cured = false;
  let tries = 0;
  const taken: string[] = [];
  const stop = await binding.read!(async (message) => {
    if (text(message) === "poison" && (tries++, !cured))
      throw new Error("cannot read this");
    taken.push(text(message));
    return undefined;
  });
  cleanups.push(stop);
  await waitFor("the other partition", () => taken.length === 50);
  await waitFor("several tries", () => tries >= 3);
  expect(taken).not.toContain("behind");
  cured = true;
  await waitFor("the rest", () => taken.length === 52);
  expect(taken.slice(50)).toEqual(["poison", "behind"]);
  expect(log.filter((line) => line.includes("cannot read this"))).toHaveLength(
    1,
  );
});

test("an app slower than the session timeout causes no rebalance and no second delivery", async () => {
  const log: string[] = [];
  const binding = await open(newTopic(), { sessionTimeout: "6s" }, log);
  await send(binding, "slow");
  let deliveries = 0;
  const stop = await binding.read!(async () => {
    deliveries++;
    await sleep(8000);
    return undefined;
  });
  await waitFor("the delivery", () => deliveries > 0);
  await stop();
  expect(deliveries).toBe(1);
  expect(log.filter((line) => line.includes("reading"))).toHaveLength(1);
});

test("readers that join and leave while messages flow lose none and keep the order", async () => {
  const topic = newTopic();
  const writer = await open(topic);
  const taken: string[] = [];
  const join = async () => {
    const reader = await open(topic);
    const own: string[] = [];
    const stop = await reader.read!(async (message) => {
      own.push(text(message));
      taken.push(text(message));
      return undefined;
    });
    cleanups.push(stop);
    return { own, leave: stop };
  };
  let sent = 0;
  let going = true;
  const writing = (async () => {
    for (; going; sent++) {
      await send(writer, String(sent), { partitionNumber: String(sent % 3) });
      await sleep(1);
    }
  })();
  const { own: stays } = await join();
  for (let round = 0; round < 2; round++) {
    const guest = await join();
    await waitFor("the guest's part", () => guest.own.length > 50);
    await guest.leave();
    const before = stays.length;
    await waitFor("all for one again", () => stays.length > before + 50);
  }
  going = false;
  await writing;
  await waitFor("every number", () => new Set(taken).size === sent, 20_000);
  for (let partition = 0; partition < 3; partition++) {
    const firsts = [...new Set(taken)]
      .map(Number)
      .filter((n) => n % 3 === partition);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
  }
  // Few messages come twice, since a reader that leaves has committed.
  expect(taken.length - sent).toBeLessThan(100);
});

test.each(["gzip", "zstd"])(
  "messages can be sent and read with %s",
  async (compression) => {
    const binding = await open(newTopic(), { compression });
    const seen = await collect(binding);
    const bodies = Array.from({ length: 40 }, (_, n) =>
      `${n}:`.padEnd(5000, "abc"),
    );
    await Promise.all(
      bodies.map((body) => send(binding, body, { partitionKey: "k" })),
    );
    await waitFor("all of them", () => seen.length === 40);
    expect(seen).toEqual(bodies);
  },
);

test("batches of Java's producer with snappy, lz4, zstd and gzip are all read, one after the other", async () => {
  const topic = newTopic();
  const codecs = ["snappy", "lz4", "zstd", "gzip", "none"];
  const perCodec = 2000;
  // Lines of many lengths, in batches of up to 200 kB with several blocks each.
  await broker.shell(
    codecs
      .map(
        (codec) =>
          `awk 'BEGIN { for (i = 0; i < ${perCodec}; i++) { s = "${codec}-" i ":"; n = (i * 37) % 300; for (j = 0; j < n; j++) s = s sprintf("%x", (i * j) % 97); print s } }' | /opt/kafka/bin/kafka-console-producer.sh --bootstrap-server ${broker.address} --topic ${topic} --compression-codec ${codec} --producer-property linger.ms=200 --producer-property batch.size=200000 --producer-property partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner`,
      )
      .join(" && "),
  );
  const seen = await collect(await open(topic));
  await waitFor(
    "all of them",
    () => seen.length >= codecs.length * perCodec,
    60_000,
  );
  for (const codec of codecs) {
    const own = seen.filter((line) => line.startsWith(`${codec}-`));
    const expected = Array.from({ length: perCodec }, (_, i) => {
      let line = `${codec}-${i}:`;
      for (let j = 0; j < (i * 37) % 300; j++)
        line += ((i * j) % 97).toString(16);
      return line;
    });
    expect(own.toSorted()).toEqual(expected.toSorted());
  }
});

test("only the message that is larger than maxMessageBytes fails", async () => {
  const binding = await open(newTopic());
  const results = await Promise.allSettled([
    send(binding, "small 1"),
    send(binding, "x".repeat(2 * 1024 * 1024)),
    send(binding, "small 2"),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(String((results[1] as PromiseRejectedResult).reason)).toContain(
    "larger than maxMessageBytes (1048576)",
  );
});
