/** One method of a service: its messages, and what it does. */
import type { Call } from "../../contracts/call.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import type { ServeCall } from "../../net/grpc/server.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import { decodeMessage, encodeMessage, type Codec } from "../../proto/codec.ts";
import { messageOf } from "../../shared/message-of.ts";
import { failCall } from "./errors.ts";

/** By name, or by path where they are of another service than Dapr's. */
export type Methods = Record<string, ServeCall>;

/** What it does: `call` is what blocks want to know, `server` is for metadata and what goes before or after the answer. */
export type Handle<Request, Response> = (
  request: Request,
  call: Call,
  server: ServerCall,
) => Response | Promise<Response>;

/** One message there, one back. */
export function unary<Request, Response>(
  request: Codec<Request>,
  response: Codec<Response>,
  handle: Handle<Request, Response>,
): ServeCall {
  return (call) => {
    let isAsked = false;
    const answer = async (bytes: Buffer) => {
      try {
        const asked = decode(request, bytes);
        call.onDecoded?.("request", asked);
        const reply = await handle(
          asked,
          { door: "grpc", signal: () => call.signal },
          call,
        );
        if (call.isOver) return;
        call.onDecoded?.("response", reply);
        call.end(encodeMessage(response, reply));
      } catch (error) {
        failCall(call, error);
      }
    };
    call.read({
      // As in Go, the first message is enough, and others are dropped.
      onMessage(bytes) {
        if (isAsked) return;
        isAsked = true;
        return answer(bytes);
      },
      onEnd() {
        if (!isAsked)
          call.fail(
            new GrpcError(grpcCode.internal, "the call has no message"),
          );
      },
    });
  };
}

/** Each field is read in two steps or more. A message of more fields would hold everybody up. */
const maxReads = 400_000;

/** Bytes of the message are views of `bytes`. Throws a {@link GrpcError}. */
export function decode<M>(codec: Codec<M>, bytes: Buffer): M {
  try {
    return decodeMessage(codec, bytes, maxReads);
  } catch (error) {
    throw new GrpcError(
      grpcCode.internal,
      `the message can't be decoded: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Bytes that stay after the call: a small view would keep all that came with it. */
export const kept = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes;
