import { Readable } from "node:stream";
import {
  hiddenBody,
  lookAt,
  PassingBody,
  previewBytes,
  previewOf,
} from "./body-preview.ts";

test("a short body is shown as it is", () => {
  expect(previewOf('{"n":1}', "application/json")).toEqual({
    contentType: "application/json",
    bytes: 7,
    text: '{"n":1}',
    isCut: false,
  });
  expect(previewOf(Buffer.from("é\n\t"), "")).toMatchObject({ text: "é\n\t" });
});

test.each([
  ["no UTF-8", Buffer.from([0xff, 0x41])],
  ["a NUL", Buffer.from("a\0b")],
  ["control characters", Buffer.from("\x1b[2J")],
])("bytes with %s are shown as base64", (_, bytes) => {
  const shown = previewOf(bytes, "");
  expect(shown.text).toBeUndefined();
  expect(Buffer.from(shown.base64!, "base64")).toEqual(bytes);
});

test.each(["x", "é", "漢", "😀"])(
  "of a long body of %s the beginning is shown, without a part of a character",
  (sign) => {
    const long = "a" + sign.repeat(previewBytes);
    for (const body of [long, Buffer.from(long)]) {
      const { text, bytes, isCut } = previewOf(body, "");
      expect(long.startsWith(text!)).toBe(true);
      const size = Buffer.byteLength(text!);
      expect(size).toBeLessThanOrEqual(previewBytes);
      expect(size).toBeGreaterThan(previewBytes - 4);
      expect([bytes, isCut]).toEqual([Buffer.byteLength(long), true]);
    }
  },
);

test("a long body of bytes that are no text is cut as well", () => {
  const { base64, isCut } = previewOf(Buffer.alloc(10_000, 0xff), "");
  expect(Buffer.from(base64!, "base64").length).toBe(previewBytes);
  expect(isCut).toBe(true);
});

test("pieces are copied: whoever sent one may change it", () => {
  const body = new PassingBody();
  const piece = Buffer.from("one");
  body.add(piece);
  piece.fill("x");
  body.add(Buffer.from(" two"));
  expect(body.preview("")).toMatchObject({ text: "one two", bytes: 7 });
});

test("to look at a stream does not start it, and its reader gets all of it", async () => {
  const stream = Readable.from([Buffer.from("a"), Buffer.from("b")], {
    objectMode: false,
  });
  const body = lookAt(stream);
  await new Promise(setImmediate);
  expect([stream.readableFlowing, body.bytes]).toEqual([null, 0]);
  const read: string[] = [];
  for await (const piece of stream) read.push(String(piece));
  expect(read.join("")).toBe("ab");
  expect(body.preview("")).toMatchObject({ text: "ab", bytes: 2 });
});

test("what is hidden tells its length and why", () => {
  expect(hiddenBody(3, "text/plain", "a reason")).toEqual({
    contentType: "text/plain",
    bytes: 3,
    isCut: true,
    hidden: "a reason",
  });
});
