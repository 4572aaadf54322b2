/** Base64 as metadata has it: with padding or without (PROTOCOL-HTTP2.md, "Binary-Header"). */

/** As Go words it; undefined for what is Base64. */
export function base64Error(text: string): string | undefined {
  const at = firstWrong(text);
  return at < 0 ? undefined : `illegal base64 data at input byte ${at}`;
}

function firstWrong(text: string): number {
  const found = text.search(/[^A-Za-z0-9+/]/);
  if (found < 0) return text.length % 4 === 1 ? text.length - 1 : -1;
  // Only whole groups of four have padding.
  if (text.length % 4 !== 0 || text[found] !== "=" || found % 4 < 2)
    return found;
  const end = found % 4 === 2 ? found + 2 : found + 1;
  if (text[end - 1] !== "=") return found;
  return end < text.length ? end : -1;
}

/** What every reader takes: the original's wants padding between sidecars, and Node and Go take it anywhere. */
export const padded = (text: string): string =>
  text.endsWith("=") ? text : text.padEnd(Math.ceil(text.length / 4) * 4, "=");
