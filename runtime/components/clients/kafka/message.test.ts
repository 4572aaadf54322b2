import type { KafkaRecord } from "./protocol/record-batch.ts";
import { toMessage, toRecord } from "./message.ts";

const plain = {
  escapeHeaders: false,
  excludeHeaderMetaRegex: undefined,
  contentType: undefined,
};
const record = (own: Partial<KafkaRecord> = {}): KafkaRecord => ({
  key: undefined,
  value: Buffer.from("1"),
  headers: [],
  timestamp: 1700,
  offset: 5,
  ...own,
});

describe("toRecord", () => {
  test("every metadata entry becomes a header, the key comes from partitionKey before __key", () => {
    const sent = toRecord(
      Buffer.from("x"),
      {
        __key: "b",
        partitionKey: "a",
        ttlInSeconds: "5",
      },
      true,
    );
    expect(sent.key).toEqual(Buffer.from("a"));
    expect(sent.headers.map(([name, value]) => [name, String(value)])).toEqual([
      ["__key", "b"],
      ["partitionKey", "a"],
      ["ttlInSeconds", "5"],
    ]);
    expect(toRecord(undefined, { __key: "b" }, true)).toMatchObject({
      key: Buffer.from("b"),
      value: undefined,
    });
  });

  test("partitionNumber forces a partition; below 0 it does not; nonsense is refused", () => {
    expect(toRecord(undefined, { partitionNumber: "7" }, true).partition).toBe(
      7,
    );
    expect(
      toRecord(undefined, { partitionNumber: "-1" }, true).partition,
    ).toBeUndefined();
    expect(() => toRecord(undefined, { partitionNumber: "1.5" }, true)).toThrow(
      'partitionNumber "1.5" is not a whole number',
    );
  });
});

test.each([
  ['"a=1&b=\\u00fc"', { "Content-Type": "text/plain" }, true, "a=1&b=ü"],
  [
    '"<a/>"',
    { "content-type": "application/xml; charset=utf-8" },
    true,
    "<a/>",
  ],
  ['"x"', { "content-type": "application/json" }, true, '"x"'],
  ['"x"', { "content-type": "application/cloudevents+json" }, true, '"x"'],
  ['"x"', {}, true, '"x"'],
  ['"x"', { "content-type": "text/plain" }, false, '"x"'],
  ['{"a":1}', { "content-type": "text/plain" }, true, '{"a":1}'],
  [
    '"raw" and "bytes"',
    { "content-type": "text/plain" },
    true,
    '"raw" and "bytes"',
  ],
])(
  "what is posted as %s with %o, stringsAsText %s, is stored as %s",
  (data, metadata, stringsAsText, stored) => {
    const sent = toRecord(
      Buffer.from(data),
      metadata as Record<string, string>,
      stringsAsText,
    );
    expect(String(sent.value)).toBe(stored);
  },
);

describe("toMessage", () => {
  test("contentType stands for what the record says of itself; escaping spares it", () => {
    const said = record({
      headers: [["Content-Type", Buffer.from("text/csv; header=present")]],
    });
    expect(
      toMessage("t", 0, said, { ...plain, escapeHeaders: true }).metadata,
    ).toMatchObject({ "Content-Type": "text/csv; header=present" });
    const forced = toMessage("t", 0, said, {
      ...plain,
      contentType: "application/json",
    }).metadata;
    expect(forced).toMatchObject({ "content-type": "application/json" });
    expect(forced).not.toHaveProperty("Content-Type");
  });

  test("gives key, place and headers; headers overwrite", () => {
    const { data, metadata } = toMessage(
      "t",
      3,
      record({
        key: Buffer.from("k"),
        headers: [
          ["colour", Buffer.from("blue")],
          ["__offset", Buffer.from("old")],
          ["__proto__", Buffer.from("text")],
        ],
      }),
      plain,
    );
    expect(String(data)).toBe("1");
    expect(Object.entries(metadata)).toEqual([
      ["__key", "k"],
      ["__topic", "t"],
      ["__partition", "3"],
      ["__offset", "old"],
      ["__timestamp", "1700"],
      ["colour", "blue"],
      ["__proto__", "text"],
    ]);
  });

  test("a record without value is null, without key has no __key", () => {
    const { data, metadata } = toMessage(
      "t",
      0,
      record({ value: undefined }),
      plain,
    );
    expect(String(data)).toBe("null");
    expect(metadata).not.toHaveProperty("__key");
  });

  test("escapeHeaders escapes key and values as a URL query does", () => {
    const { metadata } = toMessage(
      "t",
      0,
      record({
        key: Buffer.from("a b/ü"),
        headers: [["h", Buffer.from("x\r\n(y)*~")]],
      }),
      { ...plain, escapeHeaders: true },
    );
    expect(metadata).toMatchObject({
      __key: "a+b%2F%C3%BC",
      h: "x%0D%0A%28y%29%2A~",
    });
  });

  test("excludeHeaderMetaRegex leaves headers out by name", () => {
    const { metadata } = toMessage(
      "t",
      0,
      record({
        headers: [
          ["x-internal", Buffer.from("1")],
          ["x-open", Buffer.from("2")],
        ],
      }),
      { ...plain, excludeHeaderMetaRegex: /internal$/ },
    );
    expect(metadata).not.toHaveProperty("x-internal");
    expect(metadata["x-open"]).toBe("2");
  });
});
