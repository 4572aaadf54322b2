import { difference, missingLines } from "./tutorial-match.ts";

const printed = [
  "== APP - producerapp == { data: { orderId: 1 }, operation: 'create' }",
  "== APP - nodeapp == Hello from Kafka!",
  "== APP - nodeapp == { orderId: 1 }",
  "== APP - producerapp == Response for order 1: 204",
  "Starting with id a. HTTP Port: 3500.",
];

test("expected lines may be mixed with other apps' lines", () => {
  expect(
    missingLines(
      [
        "== APP - producerapp == { data: { orderId: 1 }, operation: 'create' }",
        "== APP - producerapp == Response for order 1: 204",
        "== APP - nodeapp == Hello from Kafka!",
        "== APP - nodeapp == { orderId: 1 }",
        "id a. HTTP Port: ….",
      ],
      printed,
    ),
  ).toEqual([]);
});

test("unordered lines may come in any order, but each must come", () => {
  const lines = [
    "== APP - nodeapp == { orderId: 1 }",
    "== APP - nodeapp == Hello from Kafka!",
    "== APP - nodeapp == Response for order 1: 204",
  ];
  expect(missingLines(lines, printed, true)).toEqual(lines.slice(2));
});

test("a line that is absent, too early or another app's is missing", () => {
  expect(
    missingLines(
      [
        "== APP - nodeapp == { orderId: 1 }",
        "== APP - nodeapp == Hello from Kafka!",
        "== APP - nodeapp == Response for order 1: 204",
        "orderId: 1",
      ],
      printed,
    ),
  ).toEqual([
    "== APP - nodeapp == Hello from Kafka!",
    "== APP - nodeapp == Response for order 1: 204",
    "orderId: 1",
  ]);
});

test("the difference shows what is missing and what was printed instead", () => {
  expect(difference(["a", "b"], ["a", "c"])).toBe(
    "expected:\n    found    a\n  - missing  b\nprinted (last 2 of 2 lines):\n  | a\n  | c",
  );
});
