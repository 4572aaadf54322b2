/**
 * JSON as the original reads and writes it (Go's encoding/json), so that the
 * same request puts the same bytes on a topic whichever sidecar serves it.
 * Numbers alone differ: they stay as written, where Go rounds them to float64.
 */
import { randomUUID } from "node:crypto";
import { withEscapes } from "./go-escapes.ts";
import { writeDeep } from "./go-json-deep.ts";

const maxDepth = 10_000; // Go's

/** A number that would not come back as written: `9007199254740993`, `10.00`, `1E400`. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** For messages; {@link encode} writes the text itself. */
  toString(): string {
    return this.text;
  }
}

/** Parses the first JSON value of some bytes and ignores the rest. Numbers that float64 would change become {@link Digits}. Throws SyntaxError. */
export function decodeFirst(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  try {
    return parse(text);
  } catch (error) {
    if (text.trim() === "") throw new SyntaxError("EOF");
    const end = endOfFirstValue(text);
    if (end === undefined || text.slice(end).trim() === "") throw error;
    return parse(text.slice(0, end));
  }
}

/** The same of bytes that hold one value and nothing else. */
export const decode = (bytes: Uint8Array): unknown => parse(textOf(bytes));

function textOf(bytes: Uint8Array): string {
  if (bytes.length > maxDepth && isTooDeep(bytes)) throw tooDeep();
  return wellFormed(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
      "utf8",
    ),
  );
}

function parse(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return hasInexact(text) ? parseMarked(text, randomUUID()) : value;
}

const tooDeep = () => new SyntaxError("exceeded max depth");

/** Most texts have no such number, and need no closer look. */
const mayBeInexact = /(?:^|[:,[\s])-?(?:\d{16}|\d+[.eE])/;
const longNumber =
  /(?:^|[:,[\s])(-?(?:\d{16,}|\d+[.eE][\d.eE+-]*))(?=[\s,\]}]|$)/g;

const isExact = (number: string) => String(Number(number)) === number;

/** Whether float64 would change a number. Part of a string that looks like a number counts too. */
function hasInexact(text: string): boolean {
  if (!mayBeInexact.test(text)) return false;
  longNumber.lastIndex = 0;
  for (let found; (found = longNumber.exec(text));)
    if (!isExact(found[1]!)) return true;
  return false;
}

/** `mark` is one that nobody can guess, so no string of a request begins with it. */
const parseMarked = (text: string, mark: string): unknown =>
  withDigits(JSON.parse(marked(text, mark)), mark);

const quote = 0x22;
const backslash = 0x5c;

/** The JSON in which each number that float64 would change is a string that begins with the mark. `text` must be valid JSON. */
function marked(text: string, mark: string): string {
  let done = "";
  let taken = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === quote) {
      for (i++; text.charCodeAt(i) !== quote; i++)
        if (text.charCodeAt(i) === backslash) i++;
    } else if (isNumberChar(char)) {
      let end = i + 1;
      while (isNumberChar(text.charCodeAt(end))) end++;
      const number = text.slice(i, end);
      // The `e` of true and false counts as one too.
      if (/\d/.test(number) && !isExact(number)) {
        done += `${text.slice(taken, i)}"${mark}${number}"`;
        taken = end;
      }
      i = end - 1;
    }
  }
  return done + text.slice(taken);
}

/** A digit, or one of `.eE+-`. */
const isNumberChar = (char: number) =>
  (char >= 0x30 && char <= 0x39) ||
  char === 0x2e ||
  char === 0x65 ||
  char === 0x45 ||
  char === 0x2b ||
  char === 0x2d;

/** Without recursion: values may be nested deeper than the stack is. */
function withDigits(root: unknown, mark: string): unknown {
  const top = { root };
  const open: Record<string, unknown>[] = [top];
  for (let one = open.pop(); one; one = open.pop())
    for (const key of Object.keys(one)) {
      const value = one[key];
      if (typeof value === "object" && value !== null)
        open.push(value as Record<string, unknown>);
      else if (typeof value === "string" && value.startsWith(mark))
        one[key] = new Digits(value.slice(mark.length));
    }
  return top.root;
}

const halfLength = "\\ud800".length;

/** Go reads an escaped half of a surrogate pair as U+FFFD, in names and in values. */
function wellFormed(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  // A pair, a half, or any other escape: in `\\ud800` it is the backslash that is escaped.
  return text.replace(
    /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|.)/g,
    (escape) => (escape.length === halfLength ? "\\ufffd" : escape),
  );
}

/** Checks the depth before parsing: JSON.parse would spend half a second on millions of levels. */
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
 * escaped, {@link Digits} as written. Throws SyntaxError where it is too deep.
 */
export function encode(value: unknown): string {
  let text: string;
  try {
    text = isCanonical(value) ? JSON.stringify(value) : write(value);
  } catch (error) {
    // The stack allows some thousands of levels, Go's limit is higher.
    if (!(error instanceof RangeError)) throw error;
    text = writeDeep(value, leaf);
  }
  return withEscapes(text);
}

/** Whether JSON.stringify alone writes it as Go would: all keys are in order already. */
function isCanonical(value: unknown): boolean {
  if (typeof value === "number") return !Object.is(value, -0);
  if (typeof value !== "object" || value === null) return true;
  if (value instanceof Digits) return false;
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

/** The text of a value that holds no others; undefined for lists and objects. */
function leaf(value: unknown): string | undefined {
  if (
    Array.isArray(value) ||
    (value instanceof Object &&
      Object.getPrototypeOf(value) === Object.prototype)
  )
    return undefined;
  return write(value);
}

function write(value: unknown): string {
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map(
      (key) =>
        `${JSON.stringify(key)}:${write((value as Record<string, unknown>)[key])}`,
    );
  return `{${members.join(",")}}`;
}
