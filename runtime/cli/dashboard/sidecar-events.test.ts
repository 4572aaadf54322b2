import { readEvents } from "./sidecar-events.ts";

async function* chunks(text: string, size: number) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size)
    yield bytes.subarray(at, at + size);
}

test.each([1, 2, 3, 7, 1000])(
  "events are whole, in pieces of %d bytes",
  async (size) => {
    const found: string[] = [];
    const text = ':\n\ndata: {"a":"ü€"}\n\n:\n\ndata: {"b":2}\n\ndata: {"cut';
    await readEvents(chunks(text, size), (data) => found.push(data));
    expect(found).toEqual(['{"a":"ü€"}', '{"b":2}']);
  },
);

test("an event without an end is not gathered for ever", async () => {
  const endless = chunks("x".repeat(3 * 1024 * 1024), 64 * 1024);
  await expect(readEvents(endless, () => {})).rejects.toThrow(
    "an event is longer than 1048576 characters",
  );
});
