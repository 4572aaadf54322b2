/** How stored values, JSON or not, become one answer. */
import { Readable } from "node:stream";
import { bulkReply, queryReply } from "./state-reply.ts";

const parsed = (body: unknown): unknown => JSON.parse(body as string);

test("a value that is not JSON is its key's error, and spoils nothing else", () => {
  const { status, body } = bulkReply([
    { key: "text", entry: { data: '{"a":"<"}', etag: 'e"1' } },
    { key: "json bytes", entry: { data: Buffer.from("[1]") } },
    { key: "bytes", entry: { data: Uint8Array.of(0, 255), etag: "e2" } },
    { key: "no bytes", entry: { data: new Uint8Array() } },
    { key: "missing" },
    { key: "failed", error: 'no "luck"' },
    {
      key: "mortal",
      entry: { data: "1", metadata: { ttlExpireTime: "2999-01-01T00:00:00Z" } },
    },
  ]);
  expect(status).toBe(200);
  expect(parsed(body)).toEqual([
    { key: "text", data: { a: "<" }, etag: 'e"1' },
    { key: "json bytes", data: [1] },
    { key: "bytes", error: expect.stringContaining("not JSON") },
    { key: "no bytes" },
    { key: "missing" },
    { key: "failed", error: 'no "luck"' },
    {
      key: "mortal",
      data: 1,
      metadata: { ttlExpireTime: "2999-01-01T00:00:00Z" },
    },
  ]);
});

test("stored text is passed on as it is, not encoded again", () => {
  const { body } = bulkReply([
    { key: "a", entry: { data: '{"z": 1.50,"a":"\\u00e9"}' } },
  ]);
  expect(body).toBe('[{"key":"a","data":{"z": 1.50,"a":"\\u00e9"}}]\n');
});

test("a query's results, or nothing", () => {
  expect(queryReply({ results: [] })).toEqual({ status: 204 });
  const { status, body } = queryReply({
    results: [
      { key: "a", data: '{"n":1}', etag: "1" },
      { key: "b", data: "", error: "gone" },
    ],
    token: "2",
    metadata: { m: "x" },
  });
  expect(status).toBe(200);
  expect(parsed(body)).toEqual({
    results: [
      { key: "a", data: { n: 1 }, etag: "1" },
      { key: "b", data: null, error: "gone" },
    ],
    token: "2",
    metadata: { m: "x" },
  });
});

test("a long answer is written as it is taken, and is nowhere whole", async () => {
  const value = JSON.stringify("x".repeat(1_000_000));
  const items = Array.from({ length: 10_000 }, (_, i) => ({
    key: `k${i}`,
    entry: { data: value },
  }));
  const { body } = bulkReply(items); // 10 GB, if it were made at once
  expect(body).toBeInstanceOf(Readable);
  const stream = body as Readable;
  let text = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > 3_000_000) break;
  }
  expect(text.startsWith(`[{"key":"k0","data":${value}},{"key":"k1"`)).toBe(
    true,
  );
  expect(stream.destroyed).toBe(true);
});

test.each([0, 1, 2, 255, 256, 300, 1000])(
  "%i values of a kilobyte make one JSON",
  async (count) => {
    const value = "x".repeat(1024);
    const items = Array.from({ length: count }, (_, i) => ({
      key: `k${i}`,
      entry: { data: JSON.stringify(value) },
    }));
    const { body } = bulkReply(items);
    const text =
      typeof body === "string"
        ? body
        : Buffer.concat(await (body as Readable).toArray()).toString();
    expect(JSON.parse(text)).toEqual(
      items.map(({ key }) => ({ key, data: value })),
    );
  },
);
