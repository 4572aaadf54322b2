/** Kafka in trouble: three brokers and numbered orders. Losses, repeats and order are counted. */
import { randomUUID } from "node:crypto";
import type { Binding } from "../../runtime/contracts/binding.ts";
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
}, 600_000);
afterAll(() => cluster?.stop());
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  await cluster?.heal();
});

const newTopic = () => `cluster-${randomUUID().slice(0, 8)}`;

/** Creates a topic. The brokers of entry n hold partition n, and the first of them leads it. */
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
  await waitFor("the topic", () => isLed(topic, replicas.length));
  return topic;
}

/** Whether every broker knows all partitions of the topic and their leaders. */
async function isLed(topic: string, partitions: number): Promise<boolean> {
  const { topics } = await cluster.admin
    .fetchTopicMetadata({ topics: [topic] })
    .catch(() => ({ topics: [] }));
  return topics[0]?.partitions.length === partitions;
}

/** Asks until no broker refuses: brokers learn of a new topic one after the other. */
async function untilTaken<T>(what: string, ask: () => Promise<T>): Promise<T> {
  let answer: { is: T } | undefined;
  await waitFor(what, async () => {
    answer = await ask().then(
      (is) => ({ is }),
      () => undefined,
    );
    return answer !== undefined;
  });
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
      ...(topic.includes(",") ? {} : { publishTopic: topic }),
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

const repeats = (taken: Taken[]) =>
  orders(taken).filter((order, at, all) => all.indexOf(order) !== at);

async function committed(group: string, topic: string): Promise<number[]> {
  // A coordinator that is still loading refuses for a while.
  const [found] = await untilTaken("the positions", () =>
    cluster.admin.fetchOffsets({ groupId: group, topics: [topic] }),
  );
  return found!.partitions
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ offset }) => Number(offset));
}

describe("positions", () => {
  test("a topic that is deleted and recreated while it is read: all of the new one is delivered, once, in order, and committed", async () => {
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
    );
    expect(orders(taken)).toEqual(numbers(0, 120));
    await waitFor(
      "the position in the new topic",
      async () => (await committed(topic, topic))[0] === 70,
    );
    expect(log.filter((line) => line.includes("made anew"))).not.toEqual([]);
  });

  test.each(["oldest", "newest"])(
    "behind the log's end, reading goes on at initialOffset %s, and that position is committed",
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
  );

  test("records before the log's start are not delivered, even if they share a batch with later ones", async () => {
    const topic = await createTopic([[1, 2, 3]], 2);
    const binding = await open(topic);
    // The first order is sent alone, the others in one batch.
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
  });
});

describe("a partition without a leader", () => {
  test("does not hold up the others in either direction, is named in the log, and catches up when its broker is back", async () => {
    const topic = await createTopic([[1], [2], [3]]);
    const log: string[] = [];
    const binding = await open(topic, {}, log);
    const taken = await read(binding);
    for (const partition of [0, 1, 2])
      await post(binding, partition, partition);
    await waitFor(
      "one of each",
      async () => String(await committed(topic, topic)) === "1,1,1",
    );
    await cluster.nodes[2]!.kill();
    let order = 3;
    // Far above the numbers of the other partitions' orders, of which a fast machine posts many.
    const waiting = 1_000_000;
    const failures: Error[] = [];
    const postTwo = async () => {
      for (const partition of [0, 1])
        await post(binding, order++, partition).catch((error: Error) =>
          failures.push(error),
        );
    };
    const isNamed = () =>
      log.filter((line) => line.includes("partition 2: it has no leader"));
    // Orders go on without a break while the cluster finds out that the broker is dead.
    await waitFor("the log to name it", async () => {
      await postTwo();
      return isNamed().length > 0;
    });
    const waits = post(binding, waiting, 2).catch((error: Error) => error);
    for (let n = 0; n < 50; n++) await postTwo();
    expect(failures).toEqual([]);
    await waitFor("all of the living", () => taken.length === order);
    // An order without a key or a partition number goes to a partition that has a leader.
    await Promise.all(
      numbers(waiting + 1, waiting + 31).map((free) =>
        binding.invoke!({
          operation: "create",
          data: Buffer.from(String(free)),
          metadata: {},
        }),
      ),
    );
    await cluster.nodes[2]!.start();
    // The order may have been given up by now, but it was certainly not stored.
    const refusal = await waits;
    if (refusal instanceof Error) {
      expect(refusal.message).toContain("has no leader");
      expect(refusal.message).not.toContain("not known");
      await post(binding, waiting, 2);
    }
    await waitFor(
      "what waited, and the free ones",
      () => new Set(orders(taken)).size === order + 31,
    );
    for (const partition of [0, 1]) {
      const numbered = orders(taken, partition).filter((n) => n < waiting);
      expect(numbered).toEqual(numbered.toSorted((a, b) => a - b));
    }
    expect(repeats(taken)).toEqual([]);
    expect(isNamed()).toHaveLength(1);
    // At most one rejoin, if the dead broker was the group's coordinator.
    expect(
      log.filter((line) => line.includes(": reading ")).length,
    ).toBeLessThanOrEqual(2);
  });

  test("at the start: with initialOffset newest, only orders after the start are read", async () => {
    const topic = await createTopic([[1], [3]]);
    const binding = await open(topic, { initialOffset: "newest" });
    for (let order = 0; order < 20; order++)
      await post(binding, order, order % 2);
    await cluster.nodes[2]!.kill();
    const log: string[] = [];
    const late = await open(topic, { initialOffset: "newest" }, log);
    const taken = await read(late);
    await waitFor("the log to name it", () =>
      log.some((line) => line.includes("partition 1: it has no leader")),
    );
    await post(binding, 20, 0);
    await waitFor("order 20", () => orders(taken).includes(20));
    await cluster.nodes[2]!.start();
    const posted = async () => {
      await post(binding, 21, 1);
      return true;
    };
    await waitFor("a leader", () => posted().catch(() => false));
    await waitFor("order 21", () => orders(taken).includes(21));
    expect(orders(taken, 0)).toEqual([20]);
    expect(new Set(orders(taken, 1))).toEqual(new Set([21]));
  });
});

describe("a missing right", () => {
  test("READ on the topic is logged once with its name and causes no rejoin; once it is granted, reading begins", async () => {
    const topic = await createTopic([[1, 2, 3]]);
    const acl = {
      principal: "User:alice",
      host: "*",
      permissionType: 3, // allow
      resourcePatternType: 3, // literal
    };
    await cluster.admin.createAcls({
      acl: [
        { ...acl, resourceType: 3, resourceName: topic, operation: 3 }, // READ on the group
        { ...acl, resourceType: 2, resourceName: topic, operation: 8 }, // DESCRIBE on the topic
      ],
    });
    const writer = await open(topic);
    await postAll(writer, 0, 10);
    const log: string[] = [];
    const reader = await open(
      topic,
      {
        brokers: cluster.addresses("LOGIN"),
        authType: "password",
        saslUsername: "alice",
        saslPassword: "alice-secret",
        disableTls: "true",
      },
      log,
    );
    const taken = await read(reader);
    const told = () =>
      log.filter(
        (line) =>
          line.startsWith("warning") &&
          line.includes(`lacks the right READ on topic "${topic}"`),
      );
    await waitFor("the log to tell", () => told().length > 0);
    await waitFor(
      "more tries",
      () =>
        log.filter((line) => line.startsWith("debug kafka: commit:")).length >=
        3,
    );
    expect(told()).toHaveLength(1);
    expect(log.filter((line) => line.includes(": reading "))).toHaveLength(1);
    await cluster.admin.createAcls({
      acl: [{ ...acl, resourceType: 2, resourceName: topic, operation: 3 }],
    });
    await waitFor("all ten", () => taken.length === 10);
    expect(orders(taken)).toEqual(numbers(0, 10));
    // Writing is still denied: at once, and the error names the missing right.
    const denial = await post(reader, 10).then(String, String);
    expect(denial).toContain(`lacks the right WRITE on topic "${topic}"`);
    expect(denial).not.toContain("gave up");
  });

  test("READ on the group is logged with the group's name", async () => {
    const topic = await createTopic([[1, 2, 3]]);
    const log: string[] = [];
    const reader = await open(
      topic,
      {
        brokers: cluster.addresses("LOGIN"),
        authType: "password",
        saslUsername: "alice",
        saslPassword: "alice-secret",
        disableTls: "true",
      },
      log,
    );
    await cluster.admin.createAcls({
      acl: [
        {
          principal: "User:alice",
          host: "*",
          permissionType: 3,
          resourcePatternType: 3,
          resourceType: 2,
          resourceName: topic,
          operation: 3,
        },
      ],
    });
    await read(reader);
    await waitFor("the log to tell", () =>
      log.some((line) =>
        line.includes(`lacks the right READ on group "${topic}"`),
      ),
    );
  });
});

test("a topic without any rights, at the start or later, does not hold up others, and is read once they are granted", async () => {
  const allowed = await createTopic([[1, 2, 3]]);
  const other = await createTopic([[1, 2, 3]]);
  const right = (resourceName: string, resourceType = 2) => ({
    principal: "User:alice",
    host: "*",
    permissionType: 3, // allow
    resourcePatternType: 3, // literal
    operation: 3, // READ, and DESCRIBE with it
    resourceType,
    resourceName,
  });
  await cluster.admin.createAcls({
    acl: [right(allowed), right(allowed, 3)],
  });
  const writer = await open(allowed);
  const otherWriter = await open(other);
  await postAll(writer, 0, 10);
  await postAll(otherWriter, 100, 110);
  const log: string[] = [];
  const reader = await open(
    `${allowed},${other}`,
    {
      brokers: cluster.addresses("LOGIN"),
      authType: "password",
      saslUsername: "alice",
      saslPassword: "alice-secret",
      disableTls: "true",
      consumerGroup: allowed,
      clientConnectionTopicMetadataRefreshInterval: "1s",
    },
    log,
  );
  const taken = await read(reader);
  const told = () =>
    log.filter((line) =>
      line.includes(`lacks the right DESCRIBE on topic "${other}"`),
    ).length;
  const joins = () => log.filter((line) => line.includes(": reading ")).length;
  await waitFor("the allowed ten", () => taken.length === 10);
  await waitFor("the log to tell", () => told() > 0);
  expect(joins()).toBe(1);
  await cluster.admin.createAcls({ acl: [right(other)] });
  await waitFor("the other ten", () => taken.length === 20);
  expect(orders(taken)).toEqual([...numbers(0, 10), ...numbers(100, 110)]);
  const { principal, host, ...of } = right(other);
  await cluster.admin.deleteAcls({
    filters: [{ ...of, principal, host }],
  });
  await waitFor("the log to tell again", () => told() > 1);
  await postAll(writer, 10, 20);
  await waitFor("ten more", () => taken.length === 30);
  expect(orders(taken).slice(20)).toEqual(numbers(10, 20));
});

describe("deadlines", () => {
  test.each(["paused", "killed"])(
    "a leader that is %s: posts survive the failover, and each is stored once and in order",
    async (how) => {
      const topic = await createTopic([[3, 1, 2]], 2);
      const writer = await open(topic);
      const reader = await open(topic);
      const taken = await read(reader);
      await postAll(writer, 0, 20);
      const node = cluster.nodes[2]!;
      if (how === "paused") await node.pause();
      else await node.kill();
      // One after the other, so that their order is known.
      await postAll(writer, 20, 60);
      await waitFor(
        "all 60",
        () => new Set(orders(taken)).size === 60,
        240_000,
      );
      expect(orders(taken)).toEqual(numbers(0, 60));
    },
  );

  test("the error says if a message was certainly not stored, and a final refusal is an error at once", async () => {
    const topic = await createTopic([[1, 2, 3]], 3);
    const writer = await open(topic, { deliveryTimeout: "4s" });
    await post(writer, 0);
    await cluster.nodes[2]!.kill();
    // Until the other brokers notice that the third is gone, the write waits for it. Then it is refused.
    let refusal = "";
    await waitFor("a refusal", async () => {
      await post(writer, 1).catch((error: Error) => {
        refusal = error.message;
      });
      return refusal !== "" && !refusal.includes("not known");
    });
    expect(refusal).toContain("in-sync replicas");
    expect(refusal).toContain("gave up after 4000 ms");
    const denied = await open(topic, {
      brokers: cluster.addresses("LOGIN"),
      authType: "password",
      saslUsername: "alice",
      saslPassword: "wrong",
      disableTls: "true",
    });
    const refused = await post(denied, 2).then(String, String);
    expect(refused).toContain("refused the login");
    expect(refused).not.toContain("gave up");
  });
});

test("a new partition is found at once by a request that names it, and by readers within 30 s", async () => {
  const topic = await createTopic([[1, 2, 3]]);
  const writer = await open(topic);
  const reader = await open(topic);
  const taken = await read(reader);
  await post(writer, 0);
  await waitFor("order 0", () => taken.length === 1);
  await untilTaken("the partitions", () =>
    cluster.admin.createPartitions({
      topicPartitions: [{ topic, count: 4 }],
    }),
  );
  await waitFor("them to be led", () => isLed(topic, 4));
  await untilTaken("order 3", () => post(writer, 3, 3));
  await waitFor("order 3", () => orders(taken, 3).includes(3));
  expect(orders(taken)).toEqual([0, 3]);
});
