/** Names that end in `-bin` carry bytes in gRPC (PROTOCOL-HTTP2.md, "Custom-Metadata"). Between gRPC's ends they are Base64 in headers. */

export const isBinaryName = (lower: string): boolean => lower.endsWith("-bin");

/** Names and values in turn, without those that only gRPC can read. The list itself if it has none. */
export function withoutBinary(headers: string[]): string[] {
  const has = (i: number) => /-bin$/i.test(headers[i]!);
  let at = 0;
  while (at < headers.length && !has(at)) at += 2;
  if (at >= headers.length) return headers;
  const kept = headers.slice(0, at);
  for (let i = at + 2; i < headers.length; i += 2)
    if (!has(i)) kept.push(headers[i]!, headers[i + 1]!);
  return kept;
}
