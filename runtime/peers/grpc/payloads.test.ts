import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { sendBody } from "./payloads.ts";

const mebibyte = 1024 * 1024;
const knot = { afterMs: 10, heldBytes: mebibyte, giveUpMs: 20 };

/** A sink that takes nothing before it is told to. */
function lateSink(isTied: () => boolean) {
  const waiting: (() => void)[] = [];
  const over = Promise.withResolvers<Error | undefined>();
  let size = 0;
  return {
    size: () => size,
    over: over.promise,
    take: () => {
      for (const done of waiting.splice(0)) done();
    },
    write({ data }: { data: Uint8Array }, done?: () => void) {
      size += data.length;
      if (done) waiting.push(done);
    },
    end: () => over.resolve(undefined),
    fail: over.resolve,
    knot: { isTied, cut: () => over.resolve(new Error("cut")) },
  };
}

function* chunks(count: number) {
  for (let i = 0; i < count; i++) yield Buffer.alloc(64 * 1024);
}

test("while both sides wait for each other a part of the body is held, and with more of it the call is cut", async () => {
  const sink = lateSink(() => true);
  sendBody(Readable.from(chunks(100)), sink, knot);
  expect((await sink.over)?.message).toBe("cut");
  expect(sink.size()).toBe(mebibyte);
});

test("what was held goes on once it is taken", async () => {
  const sink = lateSink(() => true);
  sendBody(Readable.from(chunks(10)), sink, knot);
  expect(await sink.over).toBeUndefined();
  expect(sink.size()).toBe(10 * 64 * 1024);
});

test("a slow taker alone is waited for, with little held", async () => {
  let asked = 0;
  const sink = lateSink(() => {
    asked++;
    return false;
  });
  sendBody(Readable.from(chunks(10)), sink, knot);
  while (asked < 5) await setImmediate();
  expect(sink.size()).toBe(128 * 1024);
  let isOver = false;
  void sink.over.then(() => (isOver = true));
  while (!isOver) {
    sink.take();
    await setImmediate();
  }
  expect(sink.size()).toBe(10 * 64 * 1024);
});
