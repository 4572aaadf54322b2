/** `POST|PUT /v1.0/bindings/{name}` (spec api §1.1). */
import type { Bindings } from "../../blocks/bindings.ts";
import { ApiError } from "../../errors.ts";
import { decodeFirst, encode } from "../../go-json.ts";
import {
  BodyError,
  header,
  type ApiReply,
  type ApiRequest,
  type Handler,
  type Route,
} from "./request.ts";

/** Only the block's `invoke` is needed, so tests pass a function. */
export type InvokeBinding = Pick<Bindings, "invoke">;

export function bindingRoutes(bindings: InvokeBinding): Route[] {
  const invoke: Handler = async (request) => {
    const { operation, data, metadata } = parseBody(await readBody(request));
    addTrace(request, metadata);
    const response = await bindings.invoke(
      request.params["name"]!,
      operation,
      data,
      metadata,
    );
    if (!response) return { status: 204 };
    const headers: Record<string, string> = {};
    for (const key in response.metadata)
      headers[`metadata.${key}`] = response.metadata[key]!;
    return {
      status: 200,
      headers,
      body: response.data ?? "",
      contentType: "application/json",
    } satisfies ApiReply;
  };
  return [
    ["POST", "/v1.0/bindings/:name", invoke],
    ["PUT", "/v1.0/bindings/:name", invoke],
  ];
}

async function readBody(request: ApiRequest): Promise<string> {
  try {
    return (await request.body()).toString("utf8");
  } catch (error) {
    if (error instanceof BodyError)
      throw new ApiError("malformedBody", [error.message], error);
    throw error;
  }
}

interface BindingBody {
  operation: string;
  data: Uint8Array | undefined;
  metadata: Record<string, string>;
}

/** Members in any case, the last of a name wins, unknown ones are ignored. */
function parseBody(text: string): BindingBody {
  const malformed = (detail: string) => new ApiError("malformedBody", [detail]);
  let parsed: unknown;
  try {
    parsed = decodeFirst(text);
  } catch (error) {
    throw malformed((error as Error).message);
  }
  const body: BindingBody = { operation: "", data: undefined, metadata: {} };
  if (parsed === null) return body;
  if (typeof parsed !== "object" || Array.isArray(parsed))
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
        if (typeof value !== "object" || Array.isArray(value))
          throw mismatch(value, "metadata", "map[string]string");
        for (const [name, item] of Object.entries(value)) {
          if (item !== null && typeof item !== "string")
            throw mismatch(item, "metadata", "string");
          setOwn(body.metadata, name, item ?? "");
        }
    }
  }
  return body;
}

/** Sets a key of the caller's choosing, `__proto__` included, without touching the prototype. */
function setOwn(target: Record<string, string>, key: string, value: string) {
  if (key === "__proto__")
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  else target[key] = value;
}

const kindOf = (value: unknown) =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : typeof value === "boolean"
        ? "bool"
        : typeof value;

/** The caller's trace goes with the message. */
function addTrace(request: ApiRequest, metadata: Record<string, string>) {
  for (const name of ["traceparent", "tracestate", "baggage"]) {
    const value = header(request, name);
    if (value === undefined) continue;
    if (name === "baggage") checkBaggage(value);
    metadata[name] = value;
  }
}

/** W3C baggage: `key=value[;property]` members, 8,192 bytes in all, 64 members. */
function checkBaggage(value: string) {
  const invalid = (why: string) => new ApiError("invalidBaggage", [why]);
  if (value.length > 8192) throw invalid("baggage exceeds 8192 bytes");
  const members = value.split(",");
  if (members.length > 64) throw invalid("baggage exceeds 64 members");
  for (const member of members) {
    const [pair] = member.split(";");
    if (
      !/^\s*[!#$%&'*+\-.^_`|~0-9A-Za-z]+\s*=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e\s]*$/.test(
        pair!,
      )
    )
      throw invalid(`invalid member ${JSON.stringify(member.trim())}`);
  }
}
