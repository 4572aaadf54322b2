/**
 * Checks JSON without making anything of it, for bytes that are passed on as they
 * are: no garbage, and megabytes take milliseconds. It takes what `JSON.parse`
 * takes, as deep as Go reads it.
 */
import { isUtf8 } from "node:buffer";

/** Go's: how deep a value may be. */
export const maxDepth = 10_000;

/** One whole value. */
export interface ScannedJson {
  /** The byte at which it begins, and the one after its end: without the space around it. */
  start: number;
  end: number;
  /** False where Go would change its texts: they have bytes that are no UTF-8, or perhaps a single surrogate. */
  isSound: boolean;
}

/** Told of each member of an object, by the places of its name, with quotes, and of its value. */
export type OnMember = (
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
) => void;

/** What a text has that not every reader takes; of the scan that is under way. */
let hasHighBytes = false;
let hasSurrogates = false;
/** For each level: whether it is an object. */
const isObjectAt = new Uint8Array(maxDepth + 1);

/** The value in `bytes`, or the place of the byte that is wrong. `onMember` is about the outermost object; `deepest` is at most {@link maxDepth}. */
export function scanJson(
  bytes: Uint8Array,
  onMember?: OnMember,
  deepest = maxDepth,
): ScannedJson | number {
  hasHighBytes = hasSurrogates = false;
  const start = afterSpace(bytes, 0);
  const end = scanValue(bytes, start, onMember, deepest);
  if (end < 0) return ~end;
  const rest = afterSpace(bytes, end);
  if (rest < bytes.length) return rest;
  const isSound =
    !hasSurrogates && (!hasHighBytes || isUtf8(bytes.subarray(start, end)));
  return { start, end, isSound };
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** The place after a value, or `~place` of what is wrong. All of these functions answer so. */
function scanValue(
  bytes: Uint8Array,
  at: number,
  onMember: OnMember | undefined,
  deepest: number,
): number {
  let depth = 0;
  let isMember = false;
  let nameStart = 0;
  let nameEnd = 0;
  let valueStart = 0;
  for (let i = at; ;) {
    if (isMember) {
      const end = scanName(bytes, i);
      if (end < 0) return end;
      const value = scanColon(bytes, end);
      if (value < 0) return value;
      if (depth === 1) {
        nameStart = i;
        nameEnd = end;
        valueStart = value;
      }
      i = value;
      isMember = false;
    }
    // Here a value begins.
    const first = bytes[i];
    if (first === openObject || first === openList) {
      if (++depth > deepest) return ~i;
      const isObject = first === openObject;
      isObjectAt[depth] = isObject ? 1 : 0;
      i = afterSpace(bytes, i + 1);
      if (bytes[i] !== (isObject ? closeObject : closeList)) {
        isMember = isObject;
        continue;
      }
      i++;
      depth--;
    } else {
      i = scanLeaf(bytes, i);
      if (i < 0) return i;
    }
    // Here a value has ended: what follows closes lists and objects, or the next value comes.
    for (;;) {
      if (depth === 0) return i;
      const inObject = isObjectAt[depth] === 1;
      if (inObject && depth === 1)
        onMember?.(nameStart, nameEnd, valueStart, i);
      i = afterSpace(bytes, i);
      const byte = bytes[i];
      if (byte === comma) {
        i = afterSpace(bytes, i + 1);
        isMember = inObject;
        break;
      }
      if (byte !== (inObject ? closeObject : closeList)) return ~i;
      i++;
      depth--;
    }
  }
}

function afterSpace(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isSpace(bytes[i]!)) i++;
  return i;
}

const isSpace = (byte: number) =>
  byte <= 0x20 &&
  (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);

const scanName = (bytes: Uint8Array, at: number): number =>
  bytes[at] === quote ? scanString(bytes, at) : ~at;

/** The place where the member's value begins. */
function scanColon(bytes: Uint8Array, at: number): number {
  const i = afterSpace(bytes, at);
  return bytes[i] === colon ? afterSpace(bytes, i + 1) : ~i;
}

function scanLeaf(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case quote:
      return scanString(bytes, at);
    case 0x74:
      return scanWord(bytes, at, words[0]!);
    case 0x66:
      return scanWord(bytes, at, words[1]!);
    case 0x6e:
      return scanWord(bytes, at, words[2]!);
    default:
      return scanNumber(bytes, at);
  }
}

const words = ["true", "false", "null"].map((word) => Buffer.from(word));

function scanWord(bytes: Uint8Array, at: number, word: Uint8Array): number {
  for (let i = 0; i < word.length; i++)
    if (bytes[at + i] !== word[i]) return ~(at + i);
  return at + word.length;
}

function scanString(bytes: Uint8Array, at: number): number {
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === quote) return i + 1;
    if (byte === backslash) {
      const next = scanEscape(bytes, i + 1);
      if (next < 0) return next;
      i = next - 1;
    } else if (byte < 0x20) return ~i;
    else if (byte > 0x7f) hasHighBytes = true;
  }
  return ~bytes.length;
}

/** `at` is after the backslash. */
function scanEscape(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte !== 0x75)
    return byte !== undefined && simpleEscapes.includes(byte) ? at + 1 : ~at;
  for (let i = at + 1; i < at + 5; i++) if (!isHex(bytes[i]!)) return ~i;
  // `\ud8…` to `\udf…`; hexadecimal digits of both cases differ in one bit.
  if ((bytes[at + 1]! | 0x20) === 0x64 && bytes[at + 2]! >= 0x38)
    hasSurrogates = true;
  return at + 5;
}

const simpleEscapes = Buffer.from('"\\/bfnrt');

const isHex = (byte: number) =>
  isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

function scanNumber(bytes: Uint8Array, at: number): number {
  let i = bytes[at] === 0x2d ? at + 1 : at;
  if (!isDigit(bytes[i]!)) return ~i;
  if (bytes[i] === 0x30) i++;
  else i = afterDigits(bytes, i);
  if (bytes[i] === 0x2e) {
    if (!isDigit(bytes[++i]!)) return ~i;
    i = afterDigits(bytes, i);
  }
  if (bytes[i] === 0x65 || bytes[i] === 0x45) {
    i++;
    if (bytes[i] === 0x2b || bytes[i] === 0x2d) i++;
    if (!isDigit(bytes[i]!)) return ~i;
    i = afterDigits(bytes, i);
  }
  return i;
}

function afterDigits(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isDigit(bytes[i]!)) i++;
  return i;
}

/** Of the byte after the last one, which is undefined, all of these are false. */
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
