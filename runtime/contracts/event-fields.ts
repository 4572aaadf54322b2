/** A CloudEvent as gRPC has it: some attributes are fields of their own, its data is bytes, all else is an extension. */
import { isJsonType } from "../shared/content-type.ts";
import { fromStandardBase64 } from "../shared/standard-base64.ts";
import { encode } from "../shared/json/go-json.ts";
import type { CloudEvent } from "./subscription.ts";

export interface EventFields {
  id: string;
  source: string;
  type: string;
  specVersion: string;
  dataContentType: string;
  data: Uint8Array;
  extensions: Record<string, unknown>;
}

const own = new Set([
  "id",
  "source",
  "type",
  "specversion",
  "datacontenttype",
  "data",
  "data_base64",
]);

/** Throws where its data can't be read. */
export function eventFields(event: CloudEvent): EventFields {
  const text = (name: string) => {
    const value = event[name];
    return typeof value === "string" ? value : "";
  };
  return {
    id: text("id"),
    source: text("source"),
    type: text("type"),
    specVersion: text("specversion"),
    dataContentType: text("datacontenttype"),
    data: dataOf(event, text("datacontenttype")),
    extensions: Object.fromEntries(
      Object.entries(event).filter(([name]) => !own.has(name)),
    ),
  };
}

/**
 * Text stays as it is, anything else becomes JSON. The original leaves out what is of a type that is neither
 * text, XML nor JSON; here it arrives.
 */
function dataOf(event: CloudEvent, contentType: string): Uint8Array {
  const { data, data_base64: base64 } = event;
  if (base64 !== undefined && base64 !== null) {
    const bytes =
      typeof base64 === "string" ? fromStandardBase64(base64) : undefined;
    if (bytes) return bytes;
    throw new Error("the event's data_base64 is no Base64");
  }
  if (data === undefined || data === null) return new Uint8Array(0);
  const isPlain =
    typeof data === "string" &&
    !(contentType !== "" && isJsonType(contentType));
  return Buffer.from(isPlain ? data : encode(data));
}
