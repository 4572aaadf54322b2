import { messagePreview } from "./message-preview.ts";

const shown = (message: unknown) => JSON.parse(messagePreview(message).text!);

test("bytes are text where they can be, and what is empty is left out", () => {
  expect(
    shown({
      storeName: "store",
      none: "",
      zero: 0,
      no: undefined,
      states: [
        { key: "a", value: Buffer.from('{"n":1}'), etag: undefined },
        { key: "b", value: Buffer.from([255, 0]) },
      ],
      metadata: new Map([["ttl", "1"]]),
      nothing: new Map(),
      big: 12345678901234567890n,
    }),
  ).toEqual({
    storeName: "store",
    states: [
      { key: "a", value: '{"n":1}' },
      { key: "b", value: "/wA=" },
    ],
    metadata: { ttl: "1" },
    big: "12345678901234567890",
  });
  expect(messagePreview({}).text).toBe("{}");
});

test("of a long message only the beginning is made text", () => {
  let asked = 0;
  const many = Array.from({ length: 100_000 }, () => ({
    get key() {
      asked++;
      return "k".repeat(100);
    },
  }));
  const { text, isCut } = messagePreview({ many });
  expect(isCut).toBe(true);
  expect(text!.length).toBeLessThanOrEqual(4096);
  expect(asked).toBeLessThan(100);
  const long = messagePreview({ data: Buffer.alloc(1_000_000, "x") });
  expect(long).toMatchObject({ isCut: true });
  expect(long.text!.length).toBeLessThanOrEqual(4096);
});
