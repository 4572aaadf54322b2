/** `POST|PUT /v1.0/bindings/{name}` (docs/protocol/bindings.md). */
import {
  metadataHeaders,
  type Bindings,
} from "../../blocks/bindings/bindings.ts";
import { ApiError } from "../../contracts/errors.ts";
import { readBody } from "./read-body.ts";
import {
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
    const { operation, data, metadata } = await readBody(request, "binding");
    addTrace(request, metadata);
    const response = await bindings.invoke(
      request.params["name"]!,
      operation,
      data,
      metadata,
      request,
    );
    if (!response) return { status: 204 };
    return {
      status: 200,
      headers: metadataHeaders(response.metadata),
      body: response.data ?? "",
      isOwnBody: true,
      contentType: "application/json",
    } satisfies ApiReply;
  };
  return [
    ["POST", "/v1.0/bindings/:name", invoke],
    ["PUT", "/v1.0/bindings/:name", invoke],
  ];
}

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
