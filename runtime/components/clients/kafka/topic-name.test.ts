import { checkTopicName } from "./topic-name.ts";

test.each(["orders", "Orders.EU_1-x", "...", "a".repeat(249)])(
  "%s is a topic",
  (name) => expect(() => checkTopicName(name)).not.toThrow(),
);

test.each(["", ".", "..", "orders/EU", "a b", "ü", "a,b", "a\n"])(
  "%j is none, and the error says what is",
  (name) =>
    expect(() => checkTopicName(name)).toThrow(
      /^kafka error: topic ".*" is no name that Kafka takes: 1 to 249 letters/s,
    ),
);

test("a long name is not told in full", () => {
  expect(() => checkTopicName("a".repeat(250))).toThrow(
    `topic "${"a".repeat(60)}…" is no name`,
  );
});
