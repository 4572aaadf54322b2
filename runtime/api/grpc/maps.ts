/** Maps of the messages, as blocks have them, and back. */

/** Without a prototype, so that a key may have any name. */
export function toRecord(
  map: ReadonlyMap<string, string>,
): Record<string, string> {
  const record = Object.create(null) as Record<string, string>;
  for (const [key, value] of map) record[key] = value;
  return record;
}

export const toMap = (
  record: Readonly<Record<string, string>> | undefined,
): Map<string, string> => new Map(record ? Object.entries(record) : []);
