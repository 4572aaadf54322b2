/** The content type of a body without one: JSON only if it parses, else text, else bytes. */
import { isUtf8 } from "node:buffer";

/** A longer body is not parsed, as that would hold up all other requests; its two ends decide. */
const mostParsed = 128 * 1024;

export function contentTypeOf(data: Uint8Array): string {
  if (isJson(data)) return "application/json";
  return isUtf8(data)
    ? "text/plain; charset=utf-8"
    : "application/octet-stream";
}

function isJson(data: Uint8Array): boolean {
  let first = 0;
  while (isBlank(data[first])) first++;
  // An empty body counts as JSON, as it always did.
  if (first === data.length) return true;
  if (!starts.has(data[first]!)) return false;
  if (data.length > mostParsed) {
    let last = data.length - 1;
    while (isBlank(data[last])) last--;
    const end = ends.get(data[first]!);
    return end === undefined ? false : data[last] === end;
  }
  try {
    JSON.parse(
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString(),
    );
    return true;
  } catch {
    return false;
  }
}

const isBlank = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** A JSON value begins with one of these. */
const starts = new Set(Buffer.from('{["-0123456789tfn'));
const ends = new Map([
  [0x7b, 0x7d], // { }
  [0x5b, 0x5d], // [ ]
  [0x22, 0x22], // " "
]);

/** `application/json`, `application/…+json` and the like, with or without parameters. */
export function isJsonType(contentType: string): boolean {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  return type === "" || type.endsWith("/json") || type.endsWith("+json");
}
