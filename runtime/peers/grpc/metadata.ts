/** Headers as the internal messages carry them: a map of names to lists of values. */
import { messageField, readFields, textField, type Parts } from "./protobuf.ts";

/** Names as they came, each with its values. */
export type Metadata = Map<string, string[]>;

/** `map<string, ListStringValue>`. */
export function metadataFields(field: number, metadata: Metadata): Parts {
  const parts: Parts = [];
  for (const [name, values] of metadata) {
    // An empty value counts too, as it is an entry of a list.
    const list = values.flatMap((value) =>
      messageField(1, [Buffer.from(value, "utf8")]),
    );
    parts.push(
      ...messageField(field, [...textField(1, name), ...messageField(2, list)]),
    );
  }
  return parts;
}

/** Reads one entry of the map. */
export function readMetadata(entry: Buffer, into: Metadata) {
  let name = "";
  const values: string[] = [];
  readFields(entry, ({ id, bytes }) => {
    if (id === 1) name = bytes.toString("utf8");
    else if (id === 2)
      readFields(bytes, (value) => {
        if (value.id === 1) values.push(value.bytes.toString("utf8"));
      });
  });
  into.set(name, values);
}
