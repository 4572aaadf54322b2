/** The head of an HTTP/1.x answer: its status line, its headers, and how its body ends (RFC 9112 §6.3). */
import type { RawHeaders } from "../../contracts/invocation.ts";
import { ProtocolError } from "./error.ts";

export interface ResponseHead {
  status: number;
  headers: RawHeaders;
  isChunked: boolean;
  /** `Content-Length`; without it and without chunks the body ends with the connection. */
  length: number | undefined;
  /** Whether the connection may serve another request. */
  keepAlive: boolean;
  /** How long the server keeps it, if it says so (`Keep-Alive: timeout=5`). */
  keepAliveMs: number | undefined;
}

/** Control characters but tab, and line ends that are not CR LF. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const unreadable = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: .*)?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Reads the text before the empty line. Throws a {@link ProtocolError}. */
export function readHead(text: string): ResponseHead {
  if (unreadable.test(text))
    throw new ProtocolError(
      "the head of the answer has a control character or a bare line end",
    );
  let lineEnd = text.indexOf("\r\n");
  const first = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const line = statusLine.exec(first);
  if (!line)
    throw new ProtocolError(
      `the answer begins with ${JSON.stringify(first.slice(0, 60))}, not with a status`,
    );
  const head: ResponseHead = {
    status: Number(line[2]),
    headers: [],
    isChunked: false,
    length: undefined,
    keepAlive: line[1] === "1",
    keepAliveMs: undefined,
  };
  const said = { close: false, keepAlive: false };
  while (lineEnd >= 0) {
    const from = lineEnd + 2;
    lineEnd = text.indexOf("\r\n", from);
    readHeader(
      head,
      said,
      lineEnd < 0 ? text.slice(from) : text.slice(from, lineEnd),
    );
  }
  if (head.isChunked && head.length !== undefined)
    throw new ProtocolError(
      "the answer has both Content-Length and Transfer-Encoding",
    );
  if (head.isChunked && line[1] === "0")
    throw new ProtocolError("an answer of HTTP/1.0 is chunked");
  head.keepAlive = (head.keepAlive || said.keepAlive) && !said.close;
  return head;
}

/** What `Connection` says; `close` holds whatever stands beside it. */
interface Said {
  close: boolean;
  keepAlive: boolean;
}

function readHeader(head: ResponseHead, said: Said, line: string) {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  if (!token.test(name))
    throw new ProtocolError(
      `the answer has a malformed header line ${JSON.stringify(line.slice(0, 60))}`,
    );
  const value = trim(line, colon + 1);
  head.headers.push(name, value);
  // Only five names matter here: their lengths tell most others apart.
  switch (name.length) {
    case 14:
      if (name.toLowerCase() === "content-length")
        readLength(head, value, line);
      break;
    case 17:
      if (name.toLowerCase() === "transfer-encoding")
        readCoding(head, value, line);
      break;
    case 16:
      // Node and others obey it.
      if (name.toLowerCase() === "proxy-connection")
        readConnection(said, value, line);
      break;
    case 10: {
      const lower = name.toLowerCase();
      if (lower === "connection") readConnection(said, value, line);
      else if (lower === "keep-alive") {
        const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/i.exec(
          value,
        )?.[1];
        if (seconds !== undefined) head.keepAliveMs = Number(seconds) * 1000;
      }
    }
  }
}

/** Node takes `chunked` with a tab behind it for another coding. */
function refuseTab(line: string) {
  if (line.includes("\t"))
    throw new ProtocolError(
      `the answer has a tab in ${JSON.stringify(line.slice(0, 60))}`,
    );
}

function readLength(head: ResponseHead, value: string, line: string) {
  refuseTab(line);
  if (!/^\d{1,15}$/.test(value) || head.length !== undefined)
    throw new ProtocolError(
      `the answer has a malformed or second Content-Length ${JSON.stringify(value.slice(0, 60))}`,
    );
  head.length = Number(value);
}

function readCoding(head: ResponseHead, value: string, line: string) {
  refuseTab(line);
  if (value.toLowerCase() !== "chunked" || head.isChunked)
    throw new ProtocolError(
      `the answer's Transfer-Encoding is not one "chunked" but ${JSON.stringify(value.slice(0, 60))}`,
    );
  head.isChunked = true;
}

function readConnection(said: Said, value: string, line: string) {
  refuseTab(line);
  for (const option of value.toLowerCase().split(",")) {
    if (option.trim() === "close") said.close = true;
    else if (option.trim() === "keep-alive") said.keepAlive = true;
  }
}

/** From `from` on, without white space around. */
function trim(line: string, from: number): string {
  let end = line.length;
  while (from < end && isSpace(line.charCodeAt(from))) from++;
  while (end > from && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(from, end);
}

const isSpace = (code: number) => code === 0x20 || code === 0x09;

/** Without this check the end of a head with bare line feeds would be waited for for ever. */
export function refuseBareLineFeed(bytes: Buffer, from: number) {
  for (
    let at = bytes.indexOf(0x0a, from);
    at >= 0;
    at = bytes.indexOf(0x0a, at + 1)
  )
    if (bytes[at - 1] !== 0x0d)
      throw new ProtocolError("a line of the answer's head ends without CR");
}
