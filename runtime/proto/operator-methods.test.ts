import { eventType, operatorMethods } from "./operator-methods.ts";

const bytes = (text: string) => Buffer.from(text, "utf8");

test("messages have the fields of the original's proto", () => {
  const { ListComponents, ListSubscriptionsV2, GetConfiguration } =
    operatorMethods;
  expect(ListComponents.path).toBe(
    "/dapr.proto.operator.v1.Operator/ListComponents",
  );
  expect(ListComponents.requestSerialize({ namespace: "ns" })).toEqual(
    bytes("\x0a\x02ns"),
  );
  expect(ListSubscriptionsV2.requestSerialize({ namespace: "ns" })).toEqual(
    bytes("\x12\x02ns"),
  );
  expect(
    GetConfiguration.requestSerialize({ namespace: "ns", name: "n" }),
  ).toEqual(bytes("\x0a\x01n\x12\x02ns"));
  expect(
    operatorMethods.ComponentUpdate.responseSerialize({
      item: bytes("{}"),
      type: 3,
    }),
  ).toEqual(bytes("\x0a\x02{}\x10\x03"));
});

test("what one end writes the other reads, long objects and unknown fields included", () => {
  const { ListComponents, GetResiliency, ComponentUpdate } = operatorMethods;
  const items = [bytes("{}"), Buffer.alloc(70_000, "x")];
  const sent = ListComponents.responseSerialize({ items });
  expect(ListComponents.responseDeserialize(sent).items).toEqual(items);
  const request = Buffer.concat([
    GetResiliency.requestSerialize({ namespace: "ns", name: "n" }),
    bytes("\x1a\x03pod\x20\x07"),
  ]);
  expect(GetResiliency.requestDeserialize(request)).toEqual({
    namespace: "ns",
    name: "n",
  });
  const event = { item: bytes("{}"), type: eventType.updated };
  expect(
    ComponentUpdate.responseDeserialize(
      ComponentUpdate.responseSerialize(event),
    ),
  ).toEqual(event);
});

test.each(["\x0a\x05ab", "\x0b", "\x0a"])(
  "a message that is cut or foreign is an error: %j",
  (text) => {
    const { requestDeserialize } = operatorMethods.ListComponents;
    expect(() => requestDeserialize(bytes(text))).toThrow("operator's API");
  },
);
