import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { wholeBody, type Refusal } from "./whole-body.ts";

const tooLarge = () => new Error("more than it may be");
const read = (stream: Readable, maxBytes = 0, rest?: Refusal["rest"]) =>
  wholeBody(stream, maxBytes, tooLarge, { rest });
const of = (...pieces: string[]) =>
  Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    {
      objectMode: false,
    },
  );

test.each([
  [[], ""],
  [["one piece"], "one piece"],
  [["a", "b", "c".repeat(5000), "d"], `ab${"c".repeat(5000)}d`],
])("%j becomes one piece", async (pieces, whole) => {
  expect((await read(of(...pieces))).toString()).toBe(whole);
});

test("a single piece is handed on as it came", async () => {
  const stream = new PassThrough();
  const piece = Buffer.alloc(5000, 1);
  const whole = read(stream);
  stream.end(piece);
  expect(await whole).toBe(piece);
});

test("up to the limit, and not a byte more", async () => {
  expect((await read(of("12", "34"), 4)).toString()).toBe("1234");
  await expect(read(of("12", "345"), 4)).rejects.toThrow("more than it may be");
});

test("a stream that is too long is destroyed, or paused or dropped before the answer", async () => {
  const answer = new PassThrough();
  answer.write("12345");
  await expect(read(answer, 4)).rejects.toThrow("more than it may be");
  expect(answer.destroyed).toBe(true);
  const request = new PassThrough();
  request.write("12345");
  await expect(read(request, 4, "paused")).rejects.toThrow(
    "more than it may be",
  );
  expect(request.destroyed).toBe(false);
  expect(request.isPaused()).toBe(true);
  const other = new PassThrough();
  other.write("12345");
  await expect(read(other, 4, "dropped")).rejects.toThrow("more than");
  other.end("the rest");
  await once(other, "end");
});

test("a stream that fails, or just ends early, rejects: also if that was before", async () => {
  const failed = new PassThrough();
  failed.on("error", () => {});
  failed.write("half");
  const early = read(failed);
  failed.destroy(new Error("reset"));
  await expect(early).rejects.toThrow("reset");
  await expect(read(failed)).rejects.toThrow("reset");
  const gone = new PassThrough();
  const cut = read(gone);
  gone.destroy();
  await expect(cut).rejects.toThrow("it broke off");
  await expect(read(gone)).rejects.toThrow("it broke off");
});
