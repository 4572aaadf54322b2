/** Why a call by gRPC failed, in words that tell who did not do what. */
import { messageOf } from "../../shared/message-of.ts";
import { CallError } from "../../contracts/invocation.ts";
import { unsentMark } from "../../contracts/proxied-call.ts";
import type { Peer } from "../../contracts/name-resolver.ts";
import type { GrpcError } from "../../net/grpc/status.ts";
import { lost, sidecarOf, unreachable } from "../failures.ts";
import { kindOf } from "./status.ts";

export function toCallError(
  error: GrpcError,
  appId: string,
  peer: Peer,
): CallError {
  const { message, origin } = error;
  switch (origin) {
    case "unreachable":
      return unreachable(
        appId,
        peer,
        isUnknownName(error.cause) ? `there is no host ${peer.host}` : message,
        error,
      );
    case "refused":
      return unreachable(appId, peer, message, error);
    case "lost":
      return lost(appId, peer, message, error);
    case "http":
    case "reset":
      return new CallError(
        "internal",
        `${sidecarOf(appId, peer)} broke the call off: ${message}`,
        { cause: error },
      );
    default: {
      const kind = kindOf(error.code);
      return new CallError(
        kind,
        kind === "unavailable"
          ? `${sidecarOf(appId, peer)} is not available: ${message}`
          : message,
        { cause: error, unsent: error.trailers[unsentMark] !== undefined },
      );
    }
  }
}

const isUnknownName = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | undefined)?.code === "ENOTFOUND";

/** The callee ended the call well, or answered, without the head of an answer. */
export const headless = (appId: string, peer: Peer): CallError =>
  new CallError(
    "internal",
    `${sidecarOf(appId, peer)} answered without a status; is it a Dapr sidecar?`,
  );

/** The head of its answer is none that HTTP has. */
export const unreadable = (
  appId: string,
  peer: Peer,
  cause: unknown,
): CallError =>
  new CallError("internal", `${sidecarOf(appId, peer)}: ${messageOf(cause)}`, {
    cause,
  });
