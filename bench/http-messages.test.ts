import { readMessages, statusOf } from "./http-messages.ts";

function read(...chunks: string[]): [string, string][] {
  const seen: [string, string][] = [];
  const push = readMessages((head, body) => seen.push([head, body]));
  for (const chunk of chunks) push(chunk);
  return seen;
}

const reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

test("a message is read, wherever the stream is cut into chunks", () => {
  for (const [whole, body] of [
    [reply, "hello"],
    [chunked, "abcde"],
  ] as const)
    for (let cut = 1; cut < whole.length; cut++) {
      const seen = read(whole.slice(0, cut), whole.slice(cut));
      expect(seen.map(([, text]) => text)).toEqual([body]);
    }
});

test("messages that arrive together are told apart", () => {
  const bare = "HTTP/1.1 204 No Content\r\n\r\n";
  expect(read(bare + reply + bare + chunked).map(([, body]) => body)).toEqual([
    "",
    "hello",
    "",
    "abcde",
  ]);
});

test("a reply without a length is refused", () => {
  expect(() => read("HTTP/1.1 200 OK\r\n\r\nhello")).toThrow(
    /without a length/,
  );
});

test("a reply has a status, a request has none", () => {
  expect(statusOf("HTTP/1.1 503 Nope")).toBe(503);
  expect(statusOf("POST /x HTTP/1.1")).toBe(0);
});
