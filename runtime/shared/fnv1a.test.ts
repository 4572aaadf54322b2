import { fnv1a } from "./fnv1a.ts";

test("fnv1a gives the published 32-bit values, signed", () => {
  const of = (text: string) => fnv1a(Buffer.from(text)) >>> 0;
  expect(of("")).toBe(0x811c9dc5);
  expect(of("a")).toBe(0xe40c292c);
  expect(of("foobar")).toBe(0xbf9cf968);
  expect(fnv1a(Buffer.from("a"))).toBeLessThan(0);
});
