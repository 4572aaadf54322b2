/** The methods between sidecars (docs/protocol/sidecars.md), and their messages as bytes. */
import { CallError } from "../../contracts/invocation.ts";
import type { MessageBytes } from "../../net/grpc/messages.ts";
import { decodeMessage, encodeMessage, type Codec } from "../../proto/codec.ts";
import {
  InternalInvokeRequest,
  InternalInvokeRequestStream,
  InternalInvokeResponse,
  InternalInvokeResponseStream,
} from "../../proto/gen/dapr/proto/internals/v1/service_invocation.ts";
import { encodePayload } from "../../proto/stream-payload.ts";

const service = "/dapr.proto.internals.v1.ServiceInvocation";

export const callLocalPath = `${service}/CallLocal`;
export const callLocalStreamPath = `${service}/CallLocalStream`;

export const callLocal = {
  path: callLocalPath,
  requestSerialize: (request: InternalInvokeRequest) =>
    encodeMessage(InternalInvokeRequest, request),
  requestDeserialize: (bytes: Buffer) => decode(InternalInvokeRequest, bytes),
  responseSerialize: (response: InternalInvokeResponse) =>
    encodeMessage(InternalInvokeResponse, response),
  responseDeserialize: (bytes: Buffer) => decode(InternalInvokeResponse, bytes),
};

export const decodeRequestPart = (bytes: Buffer) =>
  decode(InternalInvokeRequestStream, bytes);

export const decodeResponsePart = (bytes: Buffer) =>
  decode(InternalInvokeResponseStream, bytes);

/** The first message of a request. */
export const requestHead = (request: InternalInvokeRequest): Uint8Array =>
  encodeMessage(InternalInvokeRequestStream, { request, payload: undefined });

/** The first message of an answer. */
export const responseHead = (response: InternalInvokeResponse): Uint8Array =>
  encodeMessage(InternalInvokeResponseStream, { response, payload: undefined });

/** The most bytes of a piece: far below any message limit, and enough to be worth a message. */
export const pieceBytes = 64 * 1024;

/** All messages of a body that is at hand; the first has the head too, as the original sends it. */
export function wholeMessages(
  head: Uint8Array,
  body: Uint8Array | undefined,
): MessageBytes[] {
  if (!body || body.length === 0) return [head];
  const messages: MessageBytes[] = [];
  let seq = 0n;
  for (let at = 0; at < body.length; at += pieceBytes) {
    const piece = encodePayload(body.subarray(at, at + pieceBytes), seq++);
    messages.push(at === 0 ? [head, ...piece] : piece);
  }
  return messages;
}

function decode<M>(codec: Codec<M>, bytes: Buffer): M {
  try {
    return decodeMessage(codec, bytes);
  } catch (error) {
    throw new CallError("internal", "the message can't be decoded", {
      cause: error,
    });
  }
}
