/** Messages as entries of a stream: fields `data` and `metadata`, as the original writes them. */
import type { TopicMessage } from "../../../contracts/pubsub.ts";
import type { RedisArgument } from "../../clients/redis/client.ts";

/** An entry as Redis answers it; its fields are names and values in turn. */
export type Entry = [id: Buffer, fields: Buffer[]];

export function toFields(
  data: Uint8Array,
  metadata: Record<string, string>,
): RedisArgument[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return ["data", bytes, "metadata", JSON.stringify(metadata)];
}

/** `tell` is told of metadata that can't be read; the message goes on without. */
export function toMessage(
  topic: string,
  fields: Buffer[],
  tell: (problem: string) => void,
): TopicMessage {
  let data: Buffer = Buffer.alloc(0);
  // Without a prototype, so that metadata may have any name.
  const metadata: Record<string, string> = Object.create(null);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]!.toString();
    const value = fields[at + 1]!;
    if (name === "data") data = value;
    if (name === "metadata") {
      const read = parsed(value.toString());
      if (read) Object.assign(metadata, read);
      else tell("its field 'metadata' is not a JSON object of texts");
    }
  }
  return { topic, data, metadata };
}

function parsed(json: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  // The original writes null for none.
  if (value === null) return {};
  const isTexts =
    typeof value === "object" &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === "string");
  return isTexts ? (value as Record<string, string>) : undefined;
}
