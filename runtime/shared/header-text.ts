/** Headers hold bytes, which Node shows as Latin-1. Text in them is UTF-8, as the original sends it. */

// oxlint-disable-next-line no-control-regex
const beyondAscii = /[^\0-\x7f]/;

/** A text as a header's value: its UTF-8 bytes. */
export const toHeaderValue = (text: string): string =>
  beyondAscii.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;

/** A header's value as text; bytes that are no UTF-8 stay Latin-1. */
export function fromHeaderValue(value: string): string {
  if (!beyondAscii.test(value)) return value;
  const text = Buffer.from(value, "latin1").toString("utf8");
  return text.includes("\ufffd") ? value : text;
}
