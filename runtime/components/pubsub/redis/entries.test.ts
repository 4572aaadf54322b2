import { toFields, toMessage } from "./entries.ts";

const buffers = (fields: (string | Buffer)[]) =>
  fields.map((field) => Buffer.from(field as string));
const problems: string[] = [];
const read = (fields: (string | Buffer)[]) =>
  toMessage("t", buffers(fields), (problem) => problems.push(problem));
afterEach(() => void (problems.length = 0));

test("what is written is read: bytes, and metadata of any name", () => {
  const data = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const metadata = { colour: "blau ü <&>", ["__proto__"]: "x", empty: "" };
  const message = toMessage(
    "t",
    buffers(toFields(data, metadata) as (string | Buffer)[]),
    (problem) => problems.push(problem),
  );
  expect(Buffer.from(message.data).equals(data)).toBe(true);
  expect(Object.entries(message.metadata)).toEqual(Object.entries(metadata));
  expect(message.topic).toBe("t");
  expect(problems).toEqual([]);
});

test("no metadata, and no data, are none", () => {
  for (const fields of [[], ["metadata", "null"], ["other", "x"]])
    expect(read(fields)).toEqual({
      topic: "t",
      data: Buffer.alloc(0),
      metadata: {},
    });
  expect(problems).toEqual([]);
});

test.each(["{", "[]", '"text"', "1", '{"a":1}', '{"a":null}'])(
  "metadata %s are left out and told",
  (json) => {
    expect(read(["data", "x", "metadata", json]).metadata).toEqual({});
    expect(problems).toEqual([
      "its field 'metadata' is not a JSON object of texts",
    ]);
  },
);
