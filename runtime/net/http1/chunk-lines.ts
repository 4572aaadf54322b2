/** What chunked coding has besides data (RFC 9112 §7.1). It is checked, refused if malformed, and dropped. */
import { ProtocolError } from "./error.ts";

const extensions =
  /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[^"\\]|\\.)*"))?(?:;(?!$)|$))+$/;
const trailer = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):/;
/** These headers tell how to read a message, which is too late behind its body (RFC 9110 §6.5.1). */
const framing =
  /^(?:content-length|transfer-encoding|connection|proxy-connection|keep-alive|upgrade)$/i;

/** Extensions of one chunk, without the first `;` and without control characters. */
export function checkExtensions(text: string): void {
  if (!extensions.test(text)) throw badChunk();
}

/** A line behind the last chunk, without control characters. */
export function checkTrailer(line: string): void {
  const name = trailer.exec(line)?.[1];
  if (name === undefined || framing.test(name)) throw badChunk();
}

export const badChunk = (): ProtocolError =>
  new ProtocolError("the answer's chunked coding is malformed");

/** The digit's value; -1 for anything else, undefined included. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

const [crLf, lineBytes] = [0x0a0d, 3];

/**
 * Who writes small chunks writes many of one size: as long as those from `from`
 * on are written as the one before them (`digit` is all that tells their `size`),
 * their data is moved to `to`. Returns where the rest begins. As the place of the
 * next one is known beforehand, that is much cheaper than to read each line.
 * `view` is of `bytes`.
 */
export function moveRun(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  digit: number,
  size: number,
  to: number,
): number {
  const line = digit | (crLf << 8);
  const chunkBytes = lineBytes + size + 2;
  const last = bytes.length - chunkBytes;
  let target = to;
  let at = from;
  if (size === 1)
    for (; at <= last && isChunk(view, at, line, 1); at += 6)
      bytes[target++] = bytes[at + lineBytes]!;
  else
    for (; at <= last && isChunk(view, at, line, size); at += chunkBytes)
      for (let i = at + lineBytes; i < at + lineBytes + size; i++)
        bytes[target++] = bytes[i]!;
  return at;
}

const isChunk = (view: DataView, at: number, line: number, size: number) =>
  (view.getUint32(at, true) & 0xffffff) === line &&
  view.getUint16(at + lineBytes + size, true) === crLf;
