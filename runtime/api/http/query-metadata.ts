/** `?metadata.<key>=<value>`; of several values the first counts (docs/protocol/http-api.md). */
export function queryMetadata(query: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null) as Record<
    string,
    string
  >;
  if (!query.includes("metadata.")) return metadata;
  for (const [name, value] of new URLSearchParams(query)) {
    if (!name.startsWith("metadata.")) continue;
    metadata[name.slice("metadata.".length)] ??= value;
  }
  return metadata;
}
