/** Calls that failed: whether the app saw them, and where they may be tried again. */
import { Readable } from "node:stream";
import { AppUnreachable } from "../../contracts/app-channel.ts";
import { isIdempotent } from "../../shared/idempotent.ts";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";

/** The error of the app's connection as another sidecar is told it. It is `unavailable` only if another instance may be asked. */
export function ofApp(error: unknown): CallError {
  if (isRefused(error))
    return new CallError("unavailable", messageOf(error), {
      cause: error,
      unsent: true,
    });
  if (error instanceof CallError && (error.unsent || !isTransient(error)))
    return error;
  return new CallError("internal", messageOf(error), { cause: error });
}

/** Throws if the app saw nothing of the call, so that another instance is asked first. */
export function unlessUnsent(answer: ForwardReply): ForwardReply {
  const { grpc } = answer;
  if (!grpc?.unsent) return answer;
  throw new CallError("unavailable", grpc.message, { unsent: true, answer });
}

export const isRefused = (error: unknown): boolean =>
  error instanceof AppUnreachable && error.unsent;

export const isTransient = ({ kind }: CallError): boolean =>
  kind === "unavailable" || kind === "unauthenticated";

/** Whether another instance may succeed: it may be healthy where this one is not. A call that can't be sent at all fails everywhere. */
export const mayEndElsewhere = (error: unknown): error is CallError =>
  error instanceof CallError &&
  (isTransient(error) || (error.kind === "internal" && error.unsent));

/**
 * A stream is sent once. Other calls are repeated only if they did not reach the
 * app, or may happen twice; the original repeats each one whose connection broke.
 */
export const isRepeatable = (
  { method, body }: ForwardRequest,
  { unsent }: CallError,
): boolean => !(body instanceof Readable) && (unsent || isIdempotent(method));
