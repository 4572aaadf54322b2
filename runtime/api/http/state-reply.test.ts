/** How stored values, JSON or not, become one answer. */
import { bulkReply, queryReply } from "./state-reply.ts";

const parsed = (body: unknown): unknown => JSON.parse(body as string);

test("a value that is not JSON is its key's error, and spoils nothing else", async () => {
  const { status, body } = await bulkReply([
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

test("stored text is passed on as it is, not encoded again", async () => {
  const { body } = await bulkReply([
    { key: "a", entry: { data: '{"z": 1.50,"a":"\\u00e9"}' } },
  ]);
  expect(body).toBe('[{"key":"a","data":{"z": 1.50,"a":"\\u00e9"}}]\n');
});

test("a query's results, or nothing", async () => {
  expect(await queryReply({ results: [] })).toEqual({ status: 204 });
  const { status, body } = await queryReply({
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
