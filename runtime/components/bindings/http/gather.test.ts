import { gather } from "./gather.ts";

const pieceOf = (length: number, from: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (from + i) % 251));

test.each([
  [[]],
  [[0]],
  [[10]],
  [[10, 20]],
  [[256 * 1024, 1]],
  [[1024 * 1024]],
  [[100_000, 3 * 1024 * 1024 + 7, 0, 1, 64_000]],
])("pieces of %j bytes become one", (lengths) => {
  const gathered = gather();
  const pieces: Buffer[] = [];
  for (const length of lengths) {
    const piece = pieceOf(length, pieces.length);
    pieces.push(Buffer.from(piece));
    gathered.add(piece);
  }
  expect(Buffer.concat(pieces).equals(gathered.take())).toBe(true);
});
