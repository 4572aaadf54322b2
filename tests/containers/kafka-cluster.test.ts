/** Kafka when it is not kind: three brokers, numbered orders; loss, repeats and order are counted. */
import { randomUUID } from "node:crypto";
import type { Binding } from "../../runtime/contract.ts";
import {
  startKafkaCluster,
  type KafkaCluster,
} from "../contracts/kafka-cluster.ts";
import { openBinding } from "../contracts/open-component.ts";
import { waitFor } from "../wait-for.ts";

const login = "org.apache.kafka.common.security.plain.PlainLoginModule";
let cluster: KafkaCluster;
let cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await startKafkaCluster(
    {
      KAFKA_AUTHORIZER_CLASS_NAME:
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      KAFKA_SUPER_USERS: "User:ANONYMOUS",
      KAFKA_LISTENER_NAME_LOGIN_SASL_ENABLED_MECHANISMS: "PLAIN",
      KAFKA_LISTENER_NAME_LOGIN_PLAIN_SASL_JAAS_CONFIG: `${login} required user_alice="alice-secret";`,
    },
    { LOGIN: "SASL_PLAINTEXT" },
  );
}, 300_000);
afterAll(() => cluster?.stop(), 60_000);
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  await cluster?.heal();
}, 90_000);

const newTopic = () => `cluster-${randomUUID().slice(0, 8)}`;

/** A topic whose partition n is held by the brokers of entry n, its leader first. */
async function createTopic(
  replicas: number[][],
  minInSync = 1,
  topic = newTopic(),
): Promise<string> {
  await cluster.admin.createTopics({
    waitForLeaders: false,
    topics: [
      {
        topic,
        replicaAssignment: replicas.map((nodes, partition) => ({
          partition,
          replicas: nodes,
        })),
        configEntries: [
          { name: "min.insync.replicas", value: String(minInSync) },
        ],
      },
    ],
  });
  await waitFor("the topic", () => isLed(topic, replicas.length), 30_000);
  return topic;
}

/** Every broker knows of all its partitions and their leaders. */
async function isLed(topic: string, partitions: number): Promise<boolean> {
  const { topics } = await cluster.admin
    .fetchTopicMetadata({ topics: [topic] })
    .catch(() => ({ topics: [] }));
  return topics[0]?.partitions.length === partitions;
}

/** Brokers learn of a new topic one after the other; until all have, some refuse. */
async function untilTaken<T>(what: string, ask: () => Promise<T>): Promise<T> {
  let answer: { is: T } | undefined;
  await waitFor(
    what,
    async () => {
      answer = await ask().then(
        (is) => ({ is }),
        () => undefined,
      );
      return answer !== undefined;
    },
    30_000,
  );
  return answer!.is;
}

async function open(
  topic: string,
  extra: Record<string, string> = {},
  log: string[] = [],
): Promise<Binding> {
  const binding = await openBinding("bindings.kafka", {
    metadata: {
      brokers: cluster.addresses(),
      authType: "none",
      topics: topic,
      publishTopic: topic,
      consumerGroup: topic,
      initialOffset: "oldest",
      ...extra,
    },
    log,
  });
  cleanups.push(() => binding.close());
  return binding;
}

interface Taken {
  order: number;
  partition: number;
}

async function read(binding: Binding): Promise<Taken[]> {
  const taken: Taken[] = [];
  const stop = await binding.read!(async ({ data, metadata }) => {
    taken.push({
      order: Number(Buffer.from(data).toString()),
      partition: Number(metadata["__partition"]),
    });
    return undefined;
  });
  cleanups.push(stop);
  return taken;
}

const post = (binding: Binding, order: number, partition = 0) =>
  binding.invoke!({
    operation: "create",
    data: Buffer.from(String(order)),
    metadata: { partitionNumber: String(partition) },
  });

async function postAll(binding: Binding, from: number, to: number) {
  for (let order = from; order < to; order++) await post(binding, order);
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => from + n);
const orders = (taken: Taken[], partition?: number) =>
  taken
    .filter((one) => partition === undefined || one.partition === partition)
    .map(({ order }) => order);

async function committed(group: string, topic: string): Promise<number[]> {
  const [found] = await cluster.admin.fetchOffsets({
    groupId: group,
    topics: [topic],
  });
  return found!.partitions
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ offset }) => Number(offset));
}

describe("positions", () => {
  test("a topic deleted and made anew under a reader: all of the new one is delivered, once, in order, and committed", async () => {
    const topic = await createTopic([[1, 2, 3]], 2);
    const log: string[] = [];
    const binding = await open(topic, {}, log);
    const taken = await read(binding);
    await postAll(binding, 0, 50);
    await waitFor("the first 50", () => taken.length === 50);
    await cluster.admin.deleteTopics({ topics: [topic] });
    await createTopic([[1, 2, 3]], 2, topic);
    await postAll(binding, 50, 120);
    await waitFor(
      "the 70 of the new topic",
      () => new Set(orders(taken)).size === 120,
      30_000,
    );
    expect(orders(taken)).toEqual(numbers(0, 120));
    await waitFor(
      "the position in the new topic",
      async () => (await committed(topic, topic))[0] === 70,
    );
    expect(log.filter((line) => line.includes("made anew"))).not.toEqual([]);
  }, 90_000);

  test.each(["oldest", "newest"])(
    "a position beyond the log's end: initialOffset %s decides, and what is committed says so",
    async (initialOffset) => {
      const topic = await createTopic([[1, 2, 3]], 2);
      const log: string[] = [];
      const binding = await open(topic, { initialOffset }, log);
      await postAll(binding, 0, 40);
      await untilTaken("the position", () =>
        cluster.admin.setOffsets({
          groupId: topic,
          topic,
          partitions: [{ partition: 0, offset: "1000" }],
        }),
      );
      const taken = await read(binding);
      await waitFor("the log to tell", () =>
        log.some((line) => line.includes("has no offset 1000")),
      );
      await waitFor(
        "a truthful position",
        async () => (await committed(topic, topic))[0] === 40,
      );
      await postAll(binding, 40, 60);
      await waitFor("order 59", () => orders(taken).includes(59));
      expect(orders(taken)).toEqual(
        numbers(initialOffset === "oldest" ? 0 : 40, 60),
      );
    },
    60_000,
  );

  test("records below the log's start are not delivered, though they share a batch with others", async () => {
    const topic = await createTopic([[1, 2, 3]], 2);
    const binding = await open(topic);
    // The first goes alone, the rest together.
    await Promise.all(numbers(0, 30).map((order) => post(binding, order)));
    await untilTaken("the cut", () =>
      cluster.admin.deleteTopicRecords({
        topic,
        partitions: [{ partition: 0, offset: "10" }],
      }),
    );
    const taken = await read(binding);
    await waitFor("the rest", () => orders(taken).includes(29));
    expect(orders(taken)).toEqual(numbers(10, 30));
  }, 60_000);
});
