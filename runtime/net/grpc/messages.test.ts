import { PassThrough } from "node:stream";
import { waitFor } from "../../../tests/wait-for.ts";
import { collectGarbage } from "../../../tests/support/collect-garbage.ts";
import {
  endFrames,
  frameMessage,
  MessageReader,
  writeFrames,
} from "./messages.ts";

function reader(maxBytes = 0) {
  const messages: Buffer[] = [];
  const made = new MessageReader(maxBytes, (message) => messages.push(message));
  return { made, messages };
}

const framed = (text: string) =>
  Buffer.concat(frameMessage(Buffer.from(text), 0));

test("a message within one chunk is a view of it", () => {
  const { made, messages } = reader();
  const chunk = Buffer.concat([framed("one"), framed("two")]);
  made.push(chunk);
  expect(messages.map(String)).toEqual(["one", "two"]);
  expect(messages.every(({ buffer }) => buffer === chunk.buffer)).toBe(true);
  expect(made.isWithinMessage).toBe(false);
});

test.each([1, 2, 3, 5, 6, 7, 100])("chunks of %i bytes", (size) => {
  const { made, messages } = reader();
  const texts = ["", "a", "b".repeat(300), "", "c"];
  const bytes = Buffer.concat(texts.map(framed));
  for (let at = 0; at < bytes.length; at += size)
    made.push(bytes.subarray(at, at + size));
  expect(messages.map(String)).toEqual(texts);
  expect(made.isWithinMessage).toBe(false);
});

test("of a message in tiny pieces, only its own bytes are held", async () => {
  const { made, messages } = reader();
  const bytes = framed("x".repeat(4000));
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (const byte of bytes.subarray(0, 4000)) {
    // As a connection reads them: each is a view of much more.
    const read = Buffer.alloc(64 * 1024, byte);
    made.push(read.subarray(0, 1));
  }
  await waitFor("the memory to come back", () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers < before + 10 * 1024 * 1024;
  });
  made.push(bytes.subarray(4000));
  expect(messages.map(String)).toEqual(["x".repeat(4000)]);
});

test("what is promised is not held", () => {
  const { made } = reader();
  const before = process.memoryUsage().arrayBuffers;
  made.push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  expect(made.isWithinMessage).toBe(true);
});

test.each([
  ["a compressed message", [1, 0, 0, 0, 0], 13],
  ["a flag that is none", [2, 0, 0, 0, 0], 13],
  ["one byte too many", [0, 0, 0, 0, 11], 8],
])("%s is refused at its head", (_, head, code) => {
  const { made, messages } = reader(10);
  expect(() => made.push(Buffer.from(head))).toThrow(
    expect.objectContaining({ code }) as Error,
  );
  expect(messages).toEqual([]);
});

test("a message larger than allowed is not framed", () => {
  expect(() => frameMessage(Buffer.alloc(11), 10)).toThrow(/11 of 10 bytes/);
  expect(frameMessage(Buffer.alloc(10), 10)).toHaveLength(1);
});

test("a large message's bytes are written as they are, in turn", async () => {
  const parts = [Buffer.alloc(3, 1), Buffer.alloc(5000, 2), Buffer.alloc(2, 3)];
  const frames = frameMessage(parts, 0);
  expect(frames.slice(1)).toEqual(parts);
  const stream = new PassThrough();
  let isDone = false;
  writeFrames(stream as never, frames, () => (isDone = true));
  endFrames(stream as never, frameMessage(Buffer.from("end"), 0));
  const bytes = Buffer.concat(await stream.toArray());
  expect(isDone).toBe(true);
  const { made, messages } = reader();
  made.push(bytes);
  expect(messages.map((one) => one.length)).toEqual([5005, 3]);
});
