/**
 * The smallest HTTP/1.1 reader that a load generator and a counting app need:
 * it finds whole messages in a byte stream, by Content-Length or chunks. node:http
 * would use more CPU than the sidecar under test, on the same two cores.
 */
export type OnMessage = (head: string, body: string) => void;

/** Returns a function that takes a socket's chunks, in order. Text is latin1: one character is one byte. */
export function readMessages(onMessage: OnMessage): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    rest = rest === "" ? chunk : rest + chunk;
    while (rest !== "") {
      const headEnd = rest.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = rest.slice(0, headEnd);
      const body = readBody(head, rest, headEnd + 4);
      if (body === undefined) return;
      rest = rest.slice(body.end);
      onMessage(head, body.text);
    }
  };
}

interface Body {
  text: string;
  end: number;
}

function readBody(head: string, from: string, start: number): Body | undefined {
  const status = statusOf(head);
  if (status === 204 || status === 304 || (status >= 100 && status < 200))
    return { text: "", end: start };
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length !== null) {
    const end = start + Number(length[1]);
    return from.length < end
      ? undefined
      : { text: from.slice(start, end), end };
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head))
    return readChunks(from, start);
  // A request without a length has no body. A reply without a length ends with its connection.
  if (status > 0)
    throw new Error(
      `reply without a length, which this reader can't end: ${head}`,
    );
  return { text: "", end: start };
}

function readChunks(from: string, start: number): Body | undefined {
  let text = "";
  let at = start;
  for (;;) {
    const lineEnd = from.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(from.slice(at, lineEnd), 16);
    if (!Number.isFinite(size))
      throw new Error(`bad chunk size "${from.slice(at, lineEnd)}"`);
    const next = lineEnd + 2 + size + 2;
    if (from.length < next) return undefined;
    if (size === 0) return { text, end: next };
    text += from.slice(lineEnd + 2, lineEnd + 2 + size);
    at = next;
  }
}

/** The status of a reply, 0 for a request. */
export function statusOf(head: string): number {
  return head.startsWith("HTTP/1.") ? Number(head.slice(9, 12)) : 0;
}
