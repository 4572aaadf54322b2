import { PassThrough } from "node:stream";
import { eachLine, withoutAnsi } from "./lines.ts";

function collect() {
  const source = new PassThrough();
  const lines: string[] = [];
  eachLine(source, (line) => lines.push(line));
  const ended = new Promise<string[]>((resolve) =>
    source.on("close", () => setImmediate(resolve, lines)),
  );
  return { source, lines, ended };
}

test("lines, across chunks and in the middle of a letter; a last one without its end", async () => {
  const { source, ended } = collect();
  const bytes = Buffer.from("one\r\n\ntwo 订单\nthree");
  const cut = bytes.indexOf("订") + 1;
  source.write(bytes.subarray(0, cut));
  source.end(bytes.subarray(cut));
  expect(await ended).toEqual(["one", "", "two 订单", "three"]);
});

test("a prompt appears although its line has no end", () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
  try {
    const { source, lines } = collect();
    source.emit("data", Buffer.from("Continue? "));
    expect(lines).toEqual([]);
    jest.advanceTimersByTime(1000);
    expect(lines).toEqual(["Continue? "]);
  } finally {
    jest.useRealTimers();
  }
});

test("a line without end does not grow for ever", () => {
  const { source, lines } = collect();
  source.emit("data", Buffer.alloc(70_000, "x"));
  expect(lines[0]?.length).toBe(70_000);
});

test("colour codes are taken out", () => {
  expect(withoutAnsi("\x1b[94;1mblue\x1b[0m plain [1m]")).toBe(
    "blue plain [1m]",
  );
});
