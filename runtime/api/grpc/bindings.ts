/** InvokeBinding (docs/protocol/bindings.md). */
import {
  metadataHeaders,
  type Bindings,
} from "../../blocks/bindings/bindings.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import {
  InvokeBindingRequest,
  InvokeBindingResponse,
} from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { setOwn } from "../../shared/set-own.ts";
import { sendable } from "./headers.ts";
import { toMap, toRecord } from "./maps.ts";
import { kept, unary, type Methods } from "./method.ts";

export const bindingMethods = (
  bindings: Pick<Bindings, "invoke">,
): Methods => ({
  InvokeBinding: unary(
    InvokeBindingRequest,
    InvokeBindingResponse,
    async ({ name, operation, data, metadata: given }, call, server) => {
      const metadata = toRecord(given);
      addCallMetadata(metadata, server.metadata);
      const response = await bindings.invoke(
        name,
        operation,
        // An absent field and an empty one are the same on the wire.
        data.length > 0 ? kept(data) : undefined,
        metadata,
        call,
      );
      server.begin(sendable(metadataHeaders(response?.metadata)));
      return {
        data: response?.data ?? new Uint8Array(0),
        metadata: toMap(response?.metadata),
      };
    },
  ),
});

/** These are of the call itself, or tell the sidecar alone who calls: a binding may send its metadata anywhere. */
const ofTheCall = new Set([
  ":method",
  ":path",
  ":scheme",
  "content-type",
  "te",
  "grpc-timeout",
  "grpc-encoding",
  "dapr-api-token",
  "authorization",
  "cookie",
]);
const ofTheTrace = new Set(["traceparent", "tracestate"]);

/** What the caller sends beside the message goes with it too; the message's own metadata wins, but for the trace. */
function addCallMetadata(
  metadata: Record<string, string>,
  headers: ServerCall["metadata"],
) {
  for (const [name, value] of Object.entries(headers)) {
    if (ofTheCall.has(name) || name.endsWith("-bin")) continue;
    const first = Array.isArray(value) ? value[0] : value;
    const key = name.startsWith(":")
      ? `dapr-${name.slice(1)}`
      : name.startsWith("grpc-")
        ? `dapr-${name}`
        : name;
    if (
      first !== undefined &&
      (ofTheTrace.has(key) || !Object.hasOwn(metadata, key))
    )
      setOwn(metadata, key, first);
  }
}
