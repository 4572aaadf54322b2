/**
 * Whether bytes are a CloudEvent as a Protobuf message: what the original's
 * decoder takes (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/cloudevents.proto).
 */
import { isUtf8 } from "node:buffer";

/** id, source, spec_version, type and text_data. */
const texts = new Set([1, 2, 3, 4, 7]);
/** No event has as many; counting more would hold up everybody else. */
const mostFields = 10_000;

export function isCloudEventMessage(bytes: Uint8Array): boolean {
  let at = 0;
  /** A varint; -1 if the bytes end before it. */
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  for (let count = 0; at < bytes.length; count++) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (tag < 0 || field === 0 || count === mostFields) return false;
    if (wire === 2) {
      const length = varint();
      if (length < 0 || at + length > bytes.length) return false;
      if (texts.has(field) && !isUtf8(bytes.subarray(at, at + length)))
        return false;
      at += length;
    } else if (wire === 0) {
      if (varint() < 0) return false;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      if (at > bytes.length) return false;
    } else return false;
  }
  return true;
}
