/** A text without the `sign`s it ends with. `/x+$/` would look at each run of them anew. */
export function trimEnd(text: string, sign: string): string {
  let end = text.length;
  while (text.endsWith(sign, end) && end > 0) end -= sign.length;
  return text.slice(0, end);
}
