/** Calls that failed: whether the app saw them, and where they may be made anew. */
import { Readable } from "node:stream";
import { DeliveryError } from "../../contracts/binding.ts";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  isConnectError,
  type ForwardRequest,
} from "../../contracts/invocation.ts";

/** What the app's connection failed with, for another sidecar: as unavailable only where another app may be asked. */
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

export const isRefused = (error: unknown): boolean =>
  error instanceof DeliveryError && isConnectError(error.cause);

export const isTransient = ({ kind }: CallError): boolean =>
  kind === "unavailable" || kind === "unauthenticated";

/** An app that is not healthy may have a fellow that is; what can't be sent at all can't be sent to any. */
export const mayEndElsewhere = (error: unknown): error is CallError =>
  error instanceof CallError &&
  (isTransient(error) || (error.kind === "internal" && error.unsent));

/**
 * A stream is sent once. Where the original repeats every call whose connection
 * broke, this repeats only what did not reach the app or may happen twice.
 */
export const isRepeatable = (
  { method, body }: ForwardRequest,
  { unsent }: CallError,
): boolean =>
  !(body instanceof Readable) &&
  (unsent || /^(GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/.test(method));
