import { MessageLimit } from "./message-limit.ts";

const message = (size: number) => {
  const bytes = Buffer.alloc(5 + size, "x");
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(size, 1);
  return bytes;
};

test.each([1, 2, 3, 5, 7, 1000])("pieces of %i bytes", (step) => {
  const all = Buffer.concat([message(10), message(0), message(7)]);
  const limit = new MessageLimit(10);
  for (let at = 0; at < all.length; at += step)
    limit.pass(all.subarray(at, at + step));
  expect(limit.isWithinMessage).toBe(false);
  limit.pass(all.subarray(0, 3));
  expect(limit.isWithinMessage).toBe(true);
  limit.pass(all.subarray(3, 8));
  expect(limit.isWithinMessage).toBe(true);
});

test("one byte too many is told by the head alone", () => {
  expect(() => new MessageLimit(10).pass(message(11).subarray(0, 5))).toThrow(
    "a message is larger than allowed (11 of 10 bytes)",
  );
  new MessageLimit(0).pass(message(11));
});
