/**
 * JSON as the original reads and writes it (Go's encoding/json), so that the
 * same request puts the same bytes on a topic whichever sidecar serves it.
 */

import { writeDeep } from "./go-json-deep.ts";

const maxDepth = 10_000; // Go's

/** Parses the first JSON value of some bytes; what follows it is not read (spec api §0). Throws SyntaxError. */
export function decodeFirst(bytes: Uint8Array): unknown {
  if (bytes.length > maxDepth && isTooDeep(bytes))
    throw new SyntaxError("exceeded max depth");
  const text = wellFormed(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
      "utf8",
    ),
  );
  try {
    return JSON.parse(text);
  } catch (error) {
    if (text.trim() === "") throw new SyntaxError("EOF");
    const end = endOfFirstValue(text);
    if (end === undefined || text.slice(end).trim() === "") throw error;
    return JSON.parse(text.slice(0, end));
  }
}

const halfLength = "\\ud800".length;

/** An escaped half of a surrogate pair is U+FFFD to Go, in names, texts and keys alike. */
function wellFormed(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  // A pair, a half, or any other escape: in `\\ud800` it is the backslash that is escaped.
  return text.replace(
    /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)/g,
    (escape) => (escape.length === halfLength ? "\\ufffd" : escape),
  );
}

/** JSON.parse builds millions of levels for half a second before anyone can look at them. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case 0x22: // a string: skip to its end
        for (i++; i < bytes.length && bytes[i] !== 0x22; i++)
          if (bytes[i] === 0x5c) i++;
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
    }
  }
  return false;
}

/** Where the first object, array or string of `text` ends; undefined if it does not. */
function endOfFirstValue(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let i = text.search(/\S/); i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === "\\") i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth === 0 && !inString && /["}\]]/.test(char!)) return i + 1;
    if (depth < 0) return undefined;
  }
  return undefined;
}

/**
 * Encodes a parsed value: object keys sorted, `<`, `>`, `&`, U+2028 and U+2029
 * escaped, numbers as float64. Throws SyntaxError where Go would (too deep, a
 * number beyond float64).
 */
export function encode(value: unknown): string {
  let text: string;
  try {
    text = isCanonical(value) ? JSON.stringify(value) : write(value);
  } catch (error) {
    // The stack ends at a depth of some thousands; the limit is Go's.
    if (!(error instanceof RangeError)) throw error;
    text = writeDeep(value, leaf);
  }
  return /[<>&\u2028\u2029]/.test(text)
    ? text.replace(
        /[<>&\u2028\u2029]/g,
        (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"),
      )
    : text;
}

/** Whether JSON.stringify alone writes it as Go would: all keys already in order. */
function isCanonical(value: unknown): boolean {
  if (typeof value === "number") {
    if (!Number.isFinite(value))
      throw new SyntaxError("cannot unmarshal number into a float64");
    return !Object.is(value, -0);
  }
  if (typeof value !== "object" || value === null) return true;
  let canonical = true;
  if (Array.isArray(value)) {
    for (const item of value) canonical = isCanonical(item) && canonical;
    return canonical;
  }
  let previous = "";
  for (const key of Object.keys(value)) {
    if (key < previous) canonical = false;
    previous = key;
    const item = (value as Record<string, unknown>)[key];
    canonical = isCanonical(item) && canonical;
  }
  return canonical;
}

/** Undefined for what holds other values: lists, and objects as they are parsed. */
function leaf(value: unknown): string | undefined {
  if (
    Array.isArray(value) ||
    (value instanceof Object &&
      Object.getPrototypeOf(value) === Object.prototype)
  )
    return undefined;
  isCanonical(value); // throws on what is no number to Go
  return write(value);
}

function write(value: unknown): string {
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map(
      (key) =>
        `${JSON.stringify(key)}:${write((value as Record<string, unknown>)[key])}`,
    );
  return `{${members.join(",")}}`;
}
