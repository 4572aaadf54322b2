/** The head of an HTTP/1.1 request as text, refusing what could be read as something else. */
import { CallError, type ForwardRequest } from "../../contracts/invocation.ts";
import { hopByHop } from "../../shared/hop-by-hop.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const sendablePath = /^\/[\x21-\x7e\x80-\xff]*$/;
const sendableValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** How the end of the body is found: by its length in bytes, or by chunks; or there is no body. */
export type Framing = number | "chunked" | undefined;

/** What the connection itself says; a caller's are never passed on. */
const own = new Set([...hopByHop, "content-length"]);

/** Throws a {@link CallError} on what HTTP can't carry, in any of its versions. */
export function checkSendable({ method, path, headers }: ForwardRequest): void {
  checkTarget(method, path);
  for (let i = 0; i < headers.length; i += 2)
    checkHeader(headers[i]!, headers[i + 1]!);
}

function checkTarget(method: string, path: string) {
  if (!token.test(method) || method === "CONNECT")
    throw unsendable(`the method ${quote(method)}`);
  if (!sendablePath.test(path)) throw unsendable(`the path ${quote(path)}`);
}

function checkHeader(name: string, value: string) {
  if (!token.test(name) || !sendableValue.test(value))
    throw unsendable(`the header ${quote(name)}`);
}

/** Throws a {@link CallError} on what HTTP can't carry. `authority` is the `Host`. */
export function requestHead(
  { method, path, headers }: ForwardRequest,
  authority: string,
  framing: Framing,
  apiToken: string | undefined,
): string {
  checkTarget(method, path);
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    const lower = name.toLowerCase();
    if (own.has(lower)) continue;
    if (apiToken !== undefined && lower === "dapr-api-token") continue;
    checkHeader(name, value);
    text += `${name}: ${value}\r\n`;
  }
  if (apiToken !== undefined) text += `dapr-api-token: ${apiToken}\r\n`;
  if (framing === "chunked") text += "transfer-encoding: chunked\r\n";
  else if (framing !== undefined) text += `content-length: ${framing}\r\n`;
  return text + "\r\n";
}

/** How a request's body goes out. If its caller told its length, the length is kept. */
export function framingOf({ method, headers, body }: ForwardRequest): Framing {
  if (body === undefined)
    return method === "GET" || method === "HEAD" || method === "OPTIONS"
      ? undefined
      : 0;
  if (body instanceof Uint8Array) return body.length;
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === "content-length")
      return /^\d{1,15}$/.test(headers[i + 1]!)
        ? Number(headers[i + 1])
        : "chunked";
  return "chunked";
}

const quote = (text: string) => JSON.stringify(text.slice(0, 100));

const unsendable = (what: string) =>
  new CallError("invalid", `${what} can't be sent over HTTP`, { unsent: true });
