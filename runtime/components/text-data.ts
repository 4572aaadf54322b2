/** What an output binding sends if the request names a type that is not JSON. */
import { isJsonType } from "../shared/content-type.ts";

const quote = 0x22;

/**
 * The characters of a JSON string, if the type is given and is not JSON. All
 * else stays as it is: numbers, objects, and data that are not JSON.
 */
export function textOf(
  data: Uint8Array,
  contentType: string | undefined,
): Uint8Array {
  if (
    contentType === undefined ||
    data[0] !== quote ||
    data.at(-1) !== quote ||
    isJsonType(contentType)
  )
    return data;
  const written = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  try {
    return Buffer.from(JSON.parse(written.toString()) as string);
  } catch {
    // Bytes in quotes that are no JSON string stay as they are.
    return data;
  }
}

export const isContentType = (name: string): boolean =>
  name.length === 12 && name.toLowerCase() === "content-type";

/** The name, as written, of the entry that has a message's type. */
export const contentTypeKey = (
  metadata: Readonly<Record<string, string>>,
): string | undefined => Object.keys(metadata).find(isContentType);

export function contentTypeIn(
  metadata: Readonly<Record<string, string>>,
): string | undefined {
  const key = contentTypeKey(metadata);
  return key === undefined ? undefined : metadata[key];
}
