/** Answers of an HTTP/1.x server, right ones and seeded mutations of them, in the pieces in which they are sent. */
import type { Random } from "./randomizer.ts";

export interface WrittenAnswer {
  /** The request's method. */
  method: "GET" | "HEAD" | "POST" | "PUT";
  pieces: Buffer[];
  /** Whether the server closes the connection after the answer. */
  closes: boolean;
}

/** A text in the body of the answer to request `id`, and in no other answer. */
export const bodyMark = (id: string): string => `[[${id}]]`;

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const counted = (body: string) => `Content-Length: ${body.length}\r\n`;
const ok = (headers: string, rest: string) =>
  `HTTP/1.1 200 OK\r\n${headers}\r\n${rest}`;
const chunked = "Transfer-Encoding: chunked\r\n";

/** A body in small chunks, with runs of the same size. */
function inRuns(body: string, random: Random): string {
  let text = "";
  for (let at = 0; at < body.length;) {
    const size = 1 + random.below(17);
    for (let left = 1 + random.below(5); left > 0 && at < body.length; left--)
      text += chunk(body.slice(at, (at += size)));
  }
  return text;
}

type Template = (body: string, random: Random) => string;

const templates: Template[] = [
  (body) => ok(`Content-Type: text/plain\r\n${counted(body)}`, body),
  (body) => ok(chunked, `${chunk(body)}${chunk("more")}0\r\n\r\n`),
  (body) =>
    ok(
      chunked,
      `4;a=b;c="d\\"e"\r\n[[xx\r\n${chunk(body)}0\r\nX-T: 1\r\nX-U: 2\r\n\r\n`,
    ),
  (body) => ok(chunked, [...body].map(chunk).join("") + "0\r\n\r\n"),
  (body, random) => ok(chunked, `${inRuns(body, random)}0\r\n\r\n`),
  (body) => ok("Connection: close\r\n", body),
  (body) => ok("", body),
  (body) => ok(`Connection: keep-alive, x-a\r\n${counted(body)}`, body),
  (body) =>
    `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${counted(body)}\r\n${body}`,
  (body) =>
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok(counted(body), body)}`,
  () => "HTTP/1.1 204 No Content\r\n\r\n",
  (body) => `HTTP/1.1 204 No Content\r\n${counted(body)}\r\n${body}`,
  (body) => `HTTP/1.1 304 Not Modified\r\n${counted(body)}\r\n`,
  (body) =>
    `HTTP/1.1 304 Not Modified\r\n${chunked}\r\n${chunk(body)}0\r\n\r\n`,
  (body) =>
    `HTTP/1.1 500 Oops\r\nKeep-Alive: timeout=5, max=3\r\n${counted(body)}\r\n${body}`,
  (body, random) => {
    const long = body.padEnd(70_000 + random.below(3) - 1, "z");
    return ok(counted(long), long);
  },
];

const secondAnswer = ok("Content-Length: 6\r\n", "[[no]]");

/** Texts that a mutation inserts. */
const splinters = [
  ...'\r\n\0 \t:;,"\\=0019af-+\x7f\x80\xff',
  "\r\n",
  "\r\n\r\n",
  "HTTP/1.1 ",
  "HTTP/1.1 150 x\r\n\r\n",
  "HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n",
  "\r\n x: 0",
  "ffffffffffffffff",
  "0000000000005",
  ";a=b",
  ';a="b',
  "0\r\n\r\n",
  "chunked",
  secondAnswer,
];

const lines = [
  "Content-Length: 3",
  "Content-Length: 0",
  "Content-Length: +4",
  "Content-Length: 4, 4",
  "Content-Length:",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked\t",
  "Transfer-Encoding:\tchunked",
  "Transfer-Encoding: gzip",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding:",
  "Connection: close",
  "Connection: keep-alive",
  "Connection: close, keep-alive",
  "Connection: Keep-Alive , CLOSE",
  "Connection: keep-alive\t",
  "Connection:\tclose",
  "Connection: upgrade",
  "Proxy-Connection: close",
  "Upgrade: h2c",
  "Keep-Alive: timeout=0",
  "Trailer: x",
  " folded: x",
  "x : y",
  "x",
  ": y",
  "",
].map((line) => `${line}\r\n`);

const statuses =
  "000 099 100 101 102 103 150 199 200 204 205 206 304 599 600 999 1000 20 2OO".split(
    " ",
  );
const versions =
  "HTTP/1.0 HTTP/1.1 HTTP/1.2 HTTP/0.9 HTTP/2.0 HTTP/11 http/1.1 ICY".split(
    " ",
  );

/** Inserts a line after a random line, mostly in a head or among trailers. */
function addLine(text: string, random: Random) {
  const ends = [...text.slice(0, 2000).matchAll(/\r\n/g)];
  const at = ends.length === 0 ? 0 : random.pick(ends).index + 2;
  return text.slice(0, at) + random.pick(lines) + text.slice(at);
}

function mutate(text: string, random: Random): string {
  const at = random.below(Math.min(text.length, 320));
  const [before, from] = [text.slice(0, at), text.slice(at)];
  switch (random.below(8)) {
    case 0:
      return before + from.slice(1 + random.below(3));
    case 1:
      return before + random.pick(splinters) + from;
    case 2:
      return before + random.pick(splinters) + from.slice(1);
    case 3:
      return before + String.fromCharCode(random.below(256)) + from.slice(1);
    case 4:
      return text.replace(/ \d{3}\b/, () => ` ${random.pick(statuses)}`);
    case 5:
      return text.replace(/HTTP\/1\.\d/, () => random.pick(versions));
    default:
      return addLine(text, random);
  }
}

export type AnswerKind = "right" | "cut" | "mutated" | "excess";

/** An answer to request `id`. */
export function writeAnswer(
  id: string,
  kind: AnswerKind,
  random: Random,
): WrittenAnswer {
  const method = random.pick(["GET", "POST", "POST", "PUT", "HEAD"] as const);
  let text = random.pick(templates)(bodyMark(id), random);
  if (method === "HEAD" && random.below(2) === 0)
    // The answer ends with its last head: an app that only sends "100 Continue" would never answer.
    text = /^(?:HTTP\/1\.1 1[^]*?\r\n\r\n)*[^]*?\r\n\r\n/.exec(text)![0];
  let closes = /^[^]*?\r\n\r\n/.exec(text)![0].search(/close|OK\r\n\r\n/) >= 0;
  if (kind === "cut") {
    text = text.slice(0, random.below(Math.min(text.length, 300)));
    closes = true;
  } else if (kind === "mutated") {
    for (let i = random.below(3); i >= 0; i--) text = mutate(text, random);
    closes = random.below(10) < 7;
  } else if (kind === "excess")
    text += random.pick([secondAnswer, secondAnswer, "\r\n", "junk", "\0"]);
  return { method, pieces: cutUp(text, random), closes };
}

/** Cuts an answer into pieces; half of the answers stay whole. */
function cutUp(text: string, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  let rest = text;
  for (let cuts = random.below(2) * random.below(5); cuts > 0; cuts--) {
    if (rest.length < 2) break;
    const size = 1 + random.below(Math.min(rest.length - 1, 300));
    pieces.push(Buffer.from(rest.slice(0, size), "latin1"));
    rest = rest.slice(size);
  }
  pieces.push(Buffer.from(rest, "latin1"));
  return pieces;
}
