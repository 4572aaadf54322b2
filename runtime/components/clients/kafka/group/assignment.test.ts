import {
  assign,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Assignment,
  type Strategy,
} from "./assignment.ts";

const partitions = new Map([
  ["orders", [0, 1, 2, 3, 4]],
  ["returns", [0, 1]],
]);
const members = ["b", "a"].map((memberId) => ({
  memberId,
  topics: ["orders", "returns"],
}));
const plan = (
  strategy: Strategy,
  who = members,
  before = new Map<string, Assignment>(),
) =>
  Object.fromEntries(
    [...assign(strategy, who, partitions, before)].map(([id, own]) => [
      id,
      Object.fromEntries(own),
    ]),
  );

test("bytes of subscription and assignment come back", () => {
  expect(decodeSubscription(encodeSubscription(["orders", "ü"]))).toEqual([
    "orders",
    "ü",
  ]);
  expect(decodeAssignment(encodeAssignment(partitions))).toEqual(partitions);
  expect(decodeAssignment(Buffer.alloc(0))).toEqual(new Map());
});

test("range gives each member a run of each topic", () => {
  expect(plan("range")).toEqual({
    a: { orders: [0, 1, 2], returns: [0] },
    b: { orders: [3, 4], returns: [1] },
  });
});

test("roundrobin deals out all partitions evenly", () => {
  const counts = Object.values(plan("roundrobin")).map(
    (own) => Object.values(own).flat().length,
  );
  expect(counts.toSorted()).toEqual([3, 4]);
});

test("sticky leaves members what they had and moves only what must move", () => {
  const before = assign("sticky", [members[0]!], partitions, new Map());
  const after = plan("sticky", members, before);
  expect(Object.values(after["b"]!).flat()).toHaveLength(4);
  expect(Object.values(after["a"]!).flat()).toHaveLength(3);
  expect(after["b"]!["orders"]).toEqual([0, 1, 2, 3]);
});

test("a member gets partitions of its own topics only", () => {
  const mixed = [
    { memberId: "a", topics: ["orders"] },
    { memberId: "b", topics: ["returns"] },
  ];
  for (const strategy of ["range", "roundrobin", "sticky"] as const)
    expect(plan(strategy, mixed)).toEqual({
      a: { orders: [0, 1, 2, 3, 4] },
      b: { returns: [0, 1] },
    });
});
