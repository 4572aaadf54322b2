/** The body of a request to an output binding, read as the original reads it (docs/protocol/bindings.md). */
import { ApiError } from "../../contracts/errors.ts";
import { decodeFirst, encode } from "../../shared/json/go-json.ts";
import { setOwn } from "../../shared/set-own.ts";
import { isObject, kindOf } from "./go-members.ts";

/** No app's HTTP server takes as many headers. Without a limit they would hold up every other request. */
const maxMetadata = 10_000;

export interface BindingBody {
  operation: string;
  data: Uint8Array | undefined;
  metadata: Record<string, string>;
}

/** Members in any case, the last of a name wins, unknown ones are ignored. Throws {@link ApiError}. */
export function parseBody(bytes: Uint8Array): BindingBody {
  const malformed = (detail: string) => new ApiError("malformedBody", [detail]);
  let parsed: unknown;
  try {
    parsed = decodeFirst(bytes);
  } catch (error) {
    throw malformed((error as Error).message);
  }
  const body: BindingBody = { operation: "", data: undefined, metadata: {} };
  if (parsed === null) return body;
  if (!isObject(parsed))
    throw malformed(
      `json: cannot unmarshal ${kindOf(parsed)} into Go value of type http.OutputBindingRequest`,
    );
  const mismatch = (value: unknown, field: string, type: string) =>
    malformed(
      `json: cannot unmarshal ${kindOf(value)} into Go struct field OutputBindingRequest.${field} of type ${type}`,
    );
  for (const [key, value] of Object.entries(parsed)) {
    switch (key.toLowerCase()) {
      case "operation":
        if (value === null) break;
        if (typeof value !== "string")
          throw mismatch(value, "operation", "string");
        body.operation = value;
        break;
      case "data":
        try {
          body.data =
            value === null ? undefined : Buffer.from(encode(value), "utf8");
        } catch (error) {
          throw malformed((error as Error).message);
        }
        break;
      case "metadata":
        if (value === null) break;
        if (!isObject(value))
          throw mismatch(value, "metadata", "map[string]string");
        if (Object.keys(value).length > maxMetadata)
          throw malformed(`metadata has more than ${maxMetadata} entries`);
        for (const [name, item] of Object.entries(value)) {
          if (item !== null && typeof item !== "string")
            throw mismatch(item, "metadata", "string");
          setOwn(body.metadata, name, item ?? "");
        }
    }
  }
  return body;
}
