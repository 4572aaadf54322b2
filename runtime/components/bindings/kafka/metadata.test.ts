import type { Logger } from "../../../shared/log.ts";
import { parseMetadata } from "../../../contracts/metadata.ts";
import { checkMetadata, metadata, topicsOf } from "./metadata.ts";

const lines: string[] = [];
const log = { warn: (text: string) => lines.push(text) } as unknown as Logger;
const check = (own: Record<string, string>) => {
  const items = Object.entries(own).map(([name, value], index) => ({
    name,
    value,
    at: { file: "kafka.yaml", line: index + 1, column: 5 },
  }));
  const meta = parseMetadata(metadata, items);
  checkMetadata(meta, items, log);
  return meta;
};
const brokers = { brokers: "a:1" };

test("topics are trimmed, and each is read once", () => {
  const meta = check({ ...brokers, topics: "orders, paid ,orders" });
  expect(topicsOf(meta)).toEqual(["orders", "paid"]);
});

test("defaults are the original's", () => {
  expect(check(brokers)).toMatchObject({
    clientID: "sarama",
    initialOffset: "newest",
    consumeRetryEnabled: undefined,
    consumeRetryInterval: 100,
    maxMessageBytes: 1024 * 1024,
    heartbeatInterval: 3000,
    sessionTimeout: 10_000,
    consumerGroupRebalanceStrategy: "range",
    producerRequiredAcks: "all",
    compression: "none",
    oidcScopes: ["openid"],
  });
});

test.each<[Record<string, string>, string]>([
  [{}, "kafka error: missing 'brokers' attribute"],
  [{ broker: "a:1" }, "missing 'brokers' attribute (did you mean"],
  [{ brokers: "a:1,,b:1" }, "broker 2 of 'brokers' is empty"],
  [
    { ...brokers, compression: "lz4" },
    "'lz4' is not supported; supported: none, gzip, zstd",
  ],
  [{ ...brokers, compression: "rar" }, '"rar" is not one of none, gzip'],
  [{ ...brokers, schemaRegistryURL: "http://x" }, "are not supported"],
  [
    { ...brokers, heartbeatInterval: "10s" },
    "must be shorter than sessionTimeout",
  ],
  [{ ...brokers, excludeHeaderMetaRegex: "(" }, "is not a regular expression"],
  [{ ...brokers, initialOffset: "middle" }, "is not one of newest, oldest"],
  [
    { ...brokers, topics: "orders, paid orders" },
    'topic "paid orders" is no name that Kafka takes',
  ],
  [{ ...brokers, topics: "orders,,b" }, 'topic "" is no name that Kafka takes'],
  [{ ...brokers, publishTopic: "a/b" }, 'topic "a/b" is no name'],
  [{ ...brokers, deadLetterTopic: ".." }, 'topic ".." is no name'],
])("%j is refused: %s", (own, message) => {
  expect(() => check(own)).toThrow(message);
});

test.each([
  "kafka://user:canary@127.0.0.1:9092",
  "user:canary@127.0.0.1:9092",
  "127.0.0.1:9092,password=canary",
  "127.0.0.1:9092;password=canary",
  "127.0.0.1:canary",
  "127.0.0.1:99999",
  "127.0.0.1:9092?canary",
  "[::1]:9092",
])("brokers %s is refused, and no part of it told", (written) => {
  const refused = () => check({ brokers: written });
  expect(refused).toThrow("of 'brokers' is not host or host:port");
  expect(refused).not.toThrow("canary");
});

test.each(["127.0.0.1", "kafka_1.local:9092", "a:1, b"])(
  "brokers %s is taken",
  (written) => expect(() => check({ brokers: written })).not.toThrow(),
);

test("a refusal knows the line", () => {
  expect(() => check({ ...brokers, compression: "snappy" })).toThrow(
    expect.objectContaining({ at: { file: "kafka.yaml", line: 2, column: 5 } }),
  );
});

test("an unknown strategy, three states of a switch", () => {
  expect(
    check({
      ...brokers,
      consumerGroupRebalanceStrategy: "fancy",
      consumeRetryEnabled: "no",
    }),
  ).toMatchObject({
    consumerGroupRebalanceStrategy: "range",
    consumeRetryEnabled: false,
  });
});

test("a dead-letter topic that nothing leads to is warned of", () => {
  lines.length = 0;
  check({ ...brokers, deadLetterTopic: "dead" });
  check({ ...brokers, deadLetterTopic: "dead", backOffMaxRetries: "-1" });
  check({ ...brokers, deadLetterTopic: "dead", consumeRetryEnabled: "false" });
  check({ ...brokers, deadLetterTopic: "dead", backOffMaxRetries: "3" });
  expect(lines).toHaveLength(3);
});
