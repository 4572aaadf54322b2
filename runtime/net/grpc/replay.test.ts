import { Replay } from "./replay.ts";

function sink() {
  const got: string[] = [];
  return {
    got,
    onBytes: (bytes: Buffer) => void got.push(bytes.toString()),
    onEnd: () => void got.push("."),
  };
}
const bytes = (text: string) => Buffer.from(text);
const textOf = ({ got }: { got: string[] }) => got.join("");

test("all that was read comes again, then what follows; and once more", () => {
  const [first, second, third] = [sink(), sink(), sink()];
  const replay = new Replay(first);
  replay.push(bytes("a"));
  replay.push(bytes("b"));
  expect(replay.rewind()).toBe(true);
  expect(replay.isWaiting).toBe(true);
  replay.push(bytes("c"));
  replay.begin(second);
  replay.push(bytes("d"));
  replay.end();
  expect(replay.rewind()).toBe(true);
  replay.begin(third);
  expect([first, second, third].map(textOf)).toEqual(["ab", "abcd.", "abcd."]);
});

test("more than is kept, or an answer, makes it final; the rest passes all the same", () => {
  const [one, two] = [sink(), sink()];
  const long = new Replay(one);
  long.push(Buffer.alloc(64 * 1024, "x"));
  long.push(bytes("y"));
  expect(long.rewind()).toBe(false);
  long.push(bytes("z"));
  expect(textOf(one)).toHaveLength(64 * 1024 + 2);
  const answered = new Replay(two);
  answered.push(bytes("a"));
  answered.drop();
  expect(answered.rewind()).toBe(false);
});
