import { crc32c } from "./crc32c.ts";

test("gives the check value of RFC 3720 and of the usual test text", () => {
  const of = (bytes: Uint8Array) => crc32c(bytes, 0, bytes.length);
  expect(of(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(of(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(of(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(of(new Uint8Array(0))).toBe(0);
});

test("covers the given range only", () => {
  const bytes = Buffer.from("xx123456789yyy");
  expect(crc32c(bytes, 2, 11)).toBe(0xe3069283);
});
