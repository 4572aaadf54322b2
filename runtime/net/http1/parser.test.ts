import type { ResponseHead } from "./head.ts";
import { createResponseParser } from "./parser.ts";

interface Outcome {
  status?: number;
  headers?: string[];
  body?: string;
  ended?: boolean;
  excess?: boolean;
  error?: string;
}

/** What comes of the bytes, fed in the given pieces; `closes` ends the connection after them. */
function outcome(pieces: Buffer[], isHead = false, closes = false): Outcome {
  const seen: Outcome = {};
  const parser = createResponseParser({
    onHead({ status, headers }) {
      seen.status = status;
      seen.headers = headers;
      seen.body = "";
    },
    onData(bytes) {
      seen.body += bytes.toString("latin1");
      bytes.fill(0); // a view: whoever kept it would see this
    },
    onEnd: () => (seen.ended = true),
  });
  parser.begin(isHead);
  try {
    for (const piece of pieces) parser.feed(Buffer.from(piece));
    if (closes) parser.finish();
  } catch (error) {
    seen.error = (error as Error).message;
  }
  if (parser.hasExcess()) seen.excess = true;
  return seen;
}

/** The same bytes whole, byte by byte, and cut in two at every place. */
function expectEverywhere(
  text: string,
  expected: Outcome,
  isHead = false,
  closes = false,
) {
  const bytes = Buffer.from(text, "latin1");
  expect(outcome([bytes], isHead, closes)).toEqual(expected);
  const single = [...bytes].map((byte) => Buffer.from([byte]));
  expect(outcome(single, isHead, closes)).toEqual(expected);
  for (let at = 1; at < bytes.length; at++)
    expect(
      outcome([bytes.subarray(0, at), bytes.subarray(at)], isHead, closes),
    ).toEqual(expected);
}

const ok = (headers: string[], body: string): Outcome => ({
  status: 200,
  headers,
  body,
  ended: true,
});

test.each<[string, string, Outcome, { isHead?: boolean; closes?: boolean }?]>([
  [
    "a counted body",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \t\r\n\r\nhello",
    ok(["Content-Length", "5", "X-A", "b"], "hello"),
  ],
  [
    "an empty body",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ok(["Content-Length", "0"], ""),
  ],
  [
    "no reason and no headers",
    "HTTP/1.1 204\r\n\r\n",
    { status: 204, headers: [], body: "", ended: true },
  ],
  [
    "chunks, extensions and trailers",
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a="b"\r\nabc\r\n0A\r\n0123456789\r\n0;x\r\nX-T: 1\r\nX-U: 2\r\n\r\n',
    ok(["Transfer-Encoding", "Chunked"], "abc0123456789"),
  ],
  [
    "a body until the end of the connection",
    "HTTP/1.0 200 OK\r\n\r\nall of it\r\n\r\n",
    ok([], "all of it\r\n\r\n"),
    { closes: true },
  ],
  [
    "informational answers before the real one",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ok(["Content-Length", "2"], "ok"),
  ],
  [
    "a length that HEAD only tells",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    ok(["Content-Length", "5"], ""),
    { isHead: true },
  ],
  [
    "a length that 304 only tells",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    { status: 304, headers: ["Content-Length", "5"], body: "", ended: true },
  ],
  [
    "headers twice, and bytes above ASCII",
    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=\xfc\r\nContent-Length: 1\r\n\r\n\xff",
    ok(
      ["Set-Cookie", "a=1", "Set-Cookie", "b=\xfc", "Content-Length", "1"],
      "\xff",
    ),
  ],
  [
    "bytes after the answer",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
    { ...ok(["Content-Length", "1"], "x"), excess: true },
  ],
])("%s", (_, text, expected, { isHead, closes } = {}) => {
  expectEverywhere(text, expected, isHead, closes);
});

const start = "HTTP/1.1 200 OK\r\n";
const both = "the answer has both Content-Length and Transfer-Encoding";
const control =
  "the head of the answer has a control character or a bare line end";

test.each([
  [`${start}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, both],
  [`${start}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`, both],
  [
    `${start}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
    'the answer has a malformed or second Content-Length "1"',
  ],
  [
    `${start}Content-Length: 1, 1\r\n\r\n`,
    'the answer has a malformed or second Content-Length "1, 1"',
  ],
  [
    `${start}Content-Length: +1\r\n\r\n`,
    'the answer has a malformed or second Content-Length "+1"',
  ],
  [
    `${start}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    'the answer\'s Transfer-Encoding is not one "chunked" but "gzip, chunked"',
  ],
  [
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an answer of HTTP/1.0 is chunked",
  ],
  [
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "the answer switches protocols unasked",
  ],
  [
    `${start}Transfer-Encoding: chunked\t\r\n\r\n`,
    'the answer has a tab in "Transfer-Encoding: chunked\\t"',
  ],
  [
    `${start}Content-Length:\t1\r\n\r\n`,
    'the answer has a tab in "Content-Length:\\t1"',
  ],
  [
    `${start}X-A: b\r\n c\r\n\r\n`,
    'the answer has a malformed header line " c"',
  ],
  [
    `${start}X-A : b\r\n\r\n`,
    'the answer has a malformed header line "X-A : b"',
  ],
  [`${start}: b\r\n\r\n`, 'the answer has a malformed header line ": b"'],
  [`${start}X-A: a\0b\r\n\r\n`, control],
  [`${start}X-A: a\rb\r\n\r\n`, control],
])("%j is refused: %s", (text, error) => {
  expectEverywhere(text, { error });
});

test.each([
  ["HTTP/2 200\r\n\r\n", "the answer does not begin with HTTP/1."],
  ["220 smtp.example.com", "the answer does not begin with HTTP/1."],
  ["\x15\x03\x01\0\x02\x02\x46", "the answer does not begin with HTTP/1."],
  [
    "HTTP/1.1 abc\r\n\r\n",
    'the answer begins with "HTTP/1.1 abc", not with a status',
  ],
  [
    "HTTP/1.1 099 x\r\n\r\n",
    'the answer begins with "HTTP/1.1 099 x", not with a status',
  ],
  [
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a line of the answer's head ends without CR",
  ],
])("%j is refused before more is awaited: %s", (text, error) => {
  expectEverywhere(text, { error });
});

test.each([
  "x\r\n",
  "\r\n",
  " 1\r\na\r\n",
  "1 \r\na\r\n",
  "-1\r\n",
  "0x1\r\na\r\n",
  "1\na\r\n",
  "1\rXa\r\n",
  "1\r\nab\r\n",
  "1\r\na\n0\r\n",
  "1;a\0\r\na\r\n",
  "0\r\nX\nY: 1\r\n\r\n",
  "0\r\nX\r\n\r\n",
  "0\r\nX : 1\r\n\r\n",
  "0\r\nX: 1\r\n y\r\n\r\n",
  "0\r\nContent-Length: 1\r\n\r\n",
  "0\r\nConnection: close\r\n\r\n",
  "1;\r\na\r\n",
  "1; a\r\na\r\n",
  "1;a=\r\na\r\n",
  "1;a=b;\r\na\r\n",
  '1;a="b\r\na\r\n',
  "1;\xff\r\na\r\n",
])("the chunk %j is refused", (chunk) => {
  const { error, ended } = outcome([
    Buffer.from(`${start}Transfer-Encoding: chunked\r\n\r\n${chunk}`, "latin1"),
  ]);
  expect(error).toBe("the answer's chunked coding is malformed");
  expect(ended).toBeUndefined();
});

test("what never ends is refused at a limit", () => {
  const endless = (text: string, more: string) =>
    outcome([
      Buffer.from(text),
      ...Array(200).fill(Buffer.from(more.repeat(500))),
    ]).error;
  const chunked = `${start}Transfer-Encoding: chunked\r\n\r\n`;
  expect(endless(start, "X-A: b\r\n")).toMatch(/^the head .* is larger than/);
  expect(endless(`${chunked}1;`, "abcd")).toMatch(/never ends/);
  expect(endless(`${chunked}0\r\n`, "X-A: b\r\n")).toMatch(/never ends/);
  expect(endless(`${chunked}`, "ffff")).toMatch(/too large/);
});

test.each([
  ["", "it closed the connection without an answer"],
  [start, "it closed the connection in the middle of its answer"],
  [
    `${start}Content-Length: 5\r\n\r\nhell`,
    "it closed the connection in the middle of its answer",
  ],
  [
    `${start}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n`,
    "it closed the connection in the middle of its answer",
  ],
])("the end after %j is none of an answer", (text, error) => {
  expect(outcome([Buffer.from(text)], false, true)).toMatchObject({ error });
});

test.each<[string, string, boolean]>([
  ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0", true],
  ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close", false],
  [
    "GET",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close",
    false,
  ],
  [
    "GET",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close, keep-alive",
    false,
  ],
  [
    "GET",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nProxy-Connection: close",
    false,
  ],
  ["GET", "HTTP/1.0 200 OK\r\nContent-Length: 0", false],
  [
    "GET",
    "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive",
    true,
  ],
  ["GET", "HTTP/1.1 204 No", true],
  ["GET", "HTTP/1.1 204 No\r\nContent-Length: 5", false],
  ["GET", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked", false],
  ["GET", "HTTP/1.1 304 No\r\nContent-Length: 5", false],
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 0", true],
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5", false],
  ["HEAD", "HTTP/1.1 200 OK", false],
])("%s, %j keeps its connection: %s", (method, text, keepAlive) => {
  expect(headOf(method, text).keepAlive).toBe(keepAlive);
});

test("a server tells how long it keeps a connection", () => {
  const text = "HTTP/1.1 204 No\r\nKeep-Alive: timeout=5, max=3";
  expect(headOf("GET", text).keepAliveMs).toBe(5000);
  expect(headOf("GET", "HTTP/1.1 204 No").keepAliveMs).toBeUndefined();
});

function headOf(method: string, text: string): ResponseHead {
  let head: ResponseHead | undefined;
  const parser = createResponseParser({
    onHead: (seen) => (head = seen),
    onData() {},
    onEnd() {},
  });
  parser.begin(method === "HEAD");
  parser.feed(Buffer.from(`${text}\r\n\r\n`));
  return head!;
}

test("chunks of a read come in few pieces", () => {
  const pieces: number[] = [];
  const parser = createResponseParser({
    onHead() {},
    onData: (bytes) => pieces.push(bytes.length),
    onEnd: () => pieces.push(0),
  });
  parser.begin(false);
  parser.feed(Buffer.from(`${start}Transfer-Encoding: chunked\r\n\r\n`));
  parser.feed(Buffer.from("1\r\nx\r\n".repeat(1000)));
  const long = `1388\r\n${"y".repeat(5000)}\r\n`;
  parser.feed(
    Buffer.from(`2\r\nab\r\n3;a=b\r\ncde\r\n${long}1\r\nx\r\n0\r\n\r\n`),
  );
  expect(pieces).toEqual([1000, 5, 5000, 1, 0]);
});

test("data that looks like the size of the next chunk is not taken for it", () => {
  const headers = ["Transfer-Encoding", "chunked"];
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`;
  for (let lead = 0; lead < 6; lead++)
    for (let size = 1; size < 40; size++)
      for (let next = 1; next < 16; next++) {
        const parts = [
          ...Array.from({ length: lead }, () => "["),
          next.toString(16).repeat(size),
          "x".repeat(next),
        ];
        const text = `${head}${parts.map(chunk).join("")}0\r\n\r\n`;
        expect(outcome([Buffer.from(text, "latin1")])).toEqual(
          ok(headers, parts.join("")),
        );
      }
});
