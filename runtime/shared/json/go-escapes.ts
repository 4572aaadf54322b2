/** The characters that Go escapes in JSON, so that a page of HTML may contain it. */

/** A longer text is escaped as bytes: a call for each of millions of characters would take a second. */
const longText = 10_000;

/** `text`: JSON, in which they are parts of strings only. */
export function withEscapes(text: string): string {
  if (!/[<>&\u2028\u2029]/.test(text)) return text;
  return text.length > longText
    ? escapeBytes(Buffer.from(text)).toString("utf8")
    : text.replace(/[<>&\u2028\u2029]/g, escapeOf);
}

const escapeOf = (char: string) =>
  "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0");

const length = 6;
const [less, greater, and, line, paragraph] = [..."<>&\u2028\u2029"].map(
  (char) => Buffer.from(escapeOf(char)),
) as [Buffer, Buffer, Buffer, Buffer, Buffer];

/** The escape of the character that begins at a place; undefined for all others. */
function escapeAt(bytes: Buffer, i: number): Buffer | undefined {
  switch (bytes[i]) {
    case 0x3c:
      return less;
    case 0x3e:
      return greater;
    case 0x26:
      return and;
    case 0xe2: // many other characters begin so too
      if (bytes[i + 1] !== 0x80) return undefined;
      return bytes[i + 2] === 0xa8
        ? line
        : bytes[i + 2] === 0xa9
          ? paragraph
          : undefined;
    default:
      return undefined;
  }
}

function escapeBytes(bytes: Buffer): Buffer {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (escapeAt(bytes, i)) count++;
  const out = Buffer.allocUnsafe(bytes.length + count * (length - 1));
  let to = 0;
  for (let i = 0; i < bytes.length; i++) {
    const escape = escapeAt(bytes, i);
    if (!escape) out[to++] = bytes[i]!;
    else {
      for (let j = 0; j < length; j++) out[to++] = escape[j]!;
      // Those of three bytes.
      if (bytes[i] === 0xe2) i += 2;
    }
  }
  return out.subarray(0, to);
}
