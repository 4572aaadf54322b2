import { GatheredBytes } from "./gathered-bytes.ts";

test("small pieces come together, large ones as they came, all in their order", () => {
  const gathered = new GatheredBytes();
  const large = Buffer.alloc(1024, "L");
  const written: Buffer[] = [];
  for (const piece of ["a", large, "b", "c", large, large, "d", "", "e"]) {
    written.push(Buffer.from(piece));
    gathered.add(piece === large ? large : Buffer.from(piece));
  }
  const pieces = gathered.take();
  expect(pieces.map(({ length }) => length)).toEqual([
    1, 1024, 2, 1024, 1024, 2,
  ]);
  expect(pieces[1]).toBe(large);
  expect(Buffer.concat(pieces)).toEqual(Buffer.concat(written));
  expect(gathered.take()).toEqual([]);
  gathered.add(Buffer.from("f"));
  expect(Buffer.concat(gathered.take()).toString()).toBe("f");
});

test("a million bytes in pieces of one are held in a hundred", () => {
  const gathered = new GatheredBytes();
  for (let i = 0; i < 1_000_000; i++) gathered.add(Uint8Array.of(i));
  const pieces = gathered.take();
  expect(pieces.length).toBeLessThan(100);
  const all = Buffer.concat(pieces);
  expect(all).toHaveLength(1_000_000);
  expect(all.every((byte, i) => byte === i % 256)).toBe(true);
});
