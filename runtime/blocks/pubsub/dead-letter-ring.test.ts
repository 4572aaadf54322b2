import { subscription } from "../../../tests/support/subscribing.ts";
import { ringOf } from "./dead-letter-ring.ts";

const from = (topic: string, deadLetterTopic?: string, pubsub = "bus") =>
  subscription({ pubsub, topic, ...(deadLetterTopic && { deadLetterTopic }) });

test.each([
  ["its own topic", [from("a", "a")], ["a", "a"]],
  [
    "a topic that leads back",
    [from("a", "b"), from("b", "a")],
    ["a", "b", "a"],
  ],
  ["a topic that nobody reads", [from("a", "b")], undefined],
  ["a topic that leads nowhere", [from("a", "b"), from("b")], undefined],
  ["a ring of others", [from("a", "b"), from("b", "b")], undefined],
  ["another bus", [from("a", "b"), from("b", "a", "other")], undefined],
  ["no topic", [from("a")], undefined],
])("dead letters that go to %s", (_name, all, ring) => {
  expect(ringOf(all[0]!, all)).toEqual(ring);
});
