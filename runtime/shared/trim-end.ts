/** A text without the `sign`s at its end. The pattern `/x+$/` would need quadratic time on many runs of them. */
export function trimEnd(text: string, sign: string): string {
  let end = text.length;
  while (text.endsWith(sign, end) && end > 0) end -= sign.length;
  return text.slice(0, end);
}
