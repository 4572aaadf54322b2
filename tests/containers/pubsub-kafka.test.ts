/** pubsub.kafka: what records and groups have, and what goes wrong with a broker. */
import { randomUUID } from "node:crypto";
import { Kafka, logLevel, type Admin, type Producer } from "kafkajs";
import type {
  Handle,
  PubSub,
  TopicMessage,
} from "../../runtime/contracts/pubsub.ts";
import { openPubSub } from "../contracts/open-component.ts";
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { startProcess } from "../contracts/start-process.ts";
import { newGate, openGates } from "../support/gates.ts";
import { waitFor } from "../wait-for.ts";

let broker: KafkaBroker;
let admin: Admin;
let stranger: Producer;
let topic: string;
let group: string;
let log: string[];
let opened: PubSub[] = [];

beforeAll(async () => {
  broker = await startKafka();
  const kafka = new Kafka({
    brokers: [broker.address],
    logLevel: logLevel.NOTHING,
  });
  admin = kafka.admin();
  stranger = kafka.producer();
  await admin.connect();
  await stranger.connect();
});
afterAll(async () => {
  await admin?.disconnect();
  await stranger?.disconnect();
  await broker?.stop();
});
beforeEach(async () => {
  topic = `orders-${randomUUID()}`;
  group = `group-${randomUUID()}`;
  log = [];
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
});
afterEach(async () => {
  openGates();
  await Promise.all(opened.splice(0).map((bus) => bus.close()));
});

const settings = () => ({
  brokers: broker.address,
  authType: "none",
  initialOffset: "oldest",
  consumerId: group,
  sessionTimeout: "6s",
  heartbeatInterval: "500ms",
  backOffInitialInterval: "10ms",
});
async function open(metadata: Record<string, string> = {}): Promise<PubSub> {
  const bus = await openPubSub("pubsub.kafka", {
    metadata: { ...settings(), ...metadata },
    log,
  });
  opened.push(bus);
  return bus;
}
const publish = (
  bus: PubSub,
  text: string,
  metadata: Record<string, string> = {},
  to = topic,
) =>
  bus.publish({
    topic: to,
    data: Buffer.from(text),
    contentType: "text/plain",
    metadata,
  });
const read = (bus: PubSub, handle: Handle, from = topic) =>
  bus.subscribe({ topic: from, metadata: {} }, handle);
const text = ({ data }: TopicMessage) => Buffer.from(data).toString();
const onOne = (partition: number) => ({ partitionNumber: `${partition}` });
/** The group's position in a partition. */
async function committed(partition: number): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  return Number(
    found?.partitions.find((one) => one.partition === partition)?.offset,
  );
}

test("metadata are headers, null is a record without a value, and a stranger's content-type is the message's", async () => {
  const bus = await open();
  await publish(bus, "null", { partitionKey: "k", "x-colour": "blue" });
  await stranger.send({
    topic,
    messages: [
      { key: "k", value: "y", headers: { "Content-Type": "text/csv" } },
    ],
  });
  const messages: TopicMessage[] = [];
  await read(bus, async (message) => void messages.push(message));
  await waitFor("both", () => messages.length === 2);
  const [first, second] = messages.toSorted((a) =>
    text(a) === "null" ? -1 : 1,
  );
  expect(first!.contentType).toBeUndefined();
  expect(first!.metadata).toMatchObject({
    __key: "k",
    __topic: topic,
    partitionKey: "k",
    "x-colour": "blue",
  });
  expect(second!.contentType).toBe("text/csv");
});

test("one member of the group reads all topics; one that ends leaves the others going", async () => {
  const bus = await open();
  const other = `${topic}-b`;
  await admin.createTopics({ topics: [{ topic: other, numPartitions: 2 }] });
  const seen: string[] = [];
  const handle: Handle = async (message) => void seen.push(text(message));
  const stop = await read(bus, handle);
  await read(bus, handle, other);
  await publish(bus, "a1");
  await publish(bus, "b1", {}, other);
  await waitFor("one of each", () => seen.length === 2);
  const { groups } = await admin.describeGroups([group]);
  expect(groups[0]!.members).toHaveLength(1);
  await expect(read(bus, handle)).rejects.toThrow("is read already");
  await stop();
  await publish(bus, "a2");
  await publish(bus, "b2", {}, other);
  await waitFor("the other topic's", () => seen.includes("b2"));
  expect(seen).not.toContain("a2");
  await read(bus, handle);
  await waitFor("what came meanwhile", () => seen.includes("a2"));
  expect(seen.filter((data) => data === "a2")).toHaveLength(1);
});

test("a name that Kafka takes for no topic is refused at once, and holds up no other topic", async () => {
  const bus = await open();
  const seen: string[] = [];
  const handle: Handle = async (message) => void seen.push(text(message));
  await expect(read(bus, handle, "orders/EU")).rejects.toThrow(
    'topic "orders/EU" is no name that Kafka takes',
  );
  await expect(publish(bus, "x", {}, "orders/EU")).rejects.toThrow(
    "is no name",
  );
  await read(bus, handle);
  await publish(bus, "y");
  await waitFor("the message", () => seen.length === 1);
});

test("a topic that ends waits for what is in flight, and commits it, while others go on", async () => {
  const bus = await open();
  const other = `${topic}-b`;
  await admin.createTopics({ topics: [{ topic: other, numPartitions: 1 }] });
  const gate = newGate();
  const begun = Promise.withResolvers<void>();
  const seen: string[] = [];
  const stop = await read(bus, () => (begun.resolve(), gate.promise));
  await read(bus, async (message) => void seen.push(text(message)), other);
  await publish(bus, "slow", onOne(1));
  await begun.promise;
  const stopped = stop();
  await publish(bus, "b", {}, other);
  await waitFor("the other topic's", () => seen.length === 1);
  gate.resolve();
  await stopped;
  expect(await committed(1)).toBe(1);
});

test("a message that is never taken holds up its partition only, and is given up as set", async () => {
  const bus = await open({
    backOffMaxRetries: "50",
    backOffMaxInterval: "10ms",
  });
  const seen: string[] = [];
  let tries = 0;
  await read(bus, async (message) => {
    if (text(message) === "bad" && ++tries) throw new Error("no");
    seen.push(text(message));
  });
  await publish(bus, "bad", onOne(0));
  await publish(bus, "behind", onOne(0));
  for (let n = 0; n < 5; n++) await publish(bus, `${n}`, onOne(1));
  await waitFor("all others", () => seen.length === 6);
  expect(seen.at(-1)).toBe("behind");
  expect(tries).toBe(51);
  expect(log.join("\n")).toMatch(
    /error kafka: component "sample": record orders-.*\/0 at offset 0 given up after 51 deliveries \(no\) and skipped: give the subscription a deadLetterTopic/,
  );
});

test("of a bulk only what is refused comes again, and the position is before it", async () => {
  const bus = await open();
  for (const data of ["0", "1", "2", "3"]) await publish(bus, data, onOne(2));
  const bulks: string[][] = [];
  let isMended = false;
  await bus.subscribeBulk!(
    { topic, metadata: {} },
    { maxMessages: 4, maxAwaitMs: 3_600_000 },
    async (messages) => {
      bulks.push(messages.map(text));
      return messages.map((message) =>
        text(message) === "2" && !isMended ? new Error("not now") : undefined,
      );
    },
  );
  await waitFor(
    "the position",
    async () => (await committed(2)) === 2 || undefined,
  );
  isMended = true;
  await waitFor("the end", async () => (await committed(2)) === 4 || undefined);
  expect(bulks[0]).toEqual(["0", "1", "2", "3"]);
  for (const bulk of bulks.slice(1)) expect(bulk).toEqual(["2"]);
});

test("readers and the broker are killed while numbers flow: none is lost", async () => {
  const start = () =>
    startProcess(
      { type: "pubsub.kafka", metadata: settings(), topic, role: "read" },
      "pubsub-process.ts",
    );
  const readers = [start(), start()];
  const bus = await open({ deliveryTimeout: "2m" });
  const stored: string[] = [];
  let isOver = false;
  const flowing = Promise.all(
    [0, 1, 2, 3].map(async (key) => {
      for (let n = 0; !isOver; n++) {
        await publish(bus, `${key}:${n}`, { partitionKey: `key ${key}` });
        stored.push(`${key}:${n}`);
      }
    }),
  );
  const more = () => {
    const before = stored.length;
    return waitFor("more", () => stored.length > before + 200);
  };
  const got = () => new Set(readers.flatMap((reader) => reader.got()));
  try {
    await waitFor("both readers", () =>
      readers.every((reader) => reader.got().length > 20),
    );
    await readers[0]!.kill();
    readers.push(start());
    await more();
    await broker.kill();
    await broker.start();
    await more();
    await readers[1]!.kill();
    await more();
  } finally {
    isOver = true;
    await flowing;
  }
  await waitFor("all that was stored", () => {
    const all = got();
    return stored.every((number) => all.has(number));
  });
  await Promise.all(readers.map((reader) => reader.kill()));
});
