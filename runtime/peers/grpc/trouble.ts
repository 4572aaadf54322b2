/** Turns gRPC's errors of failed calls into words that say who did not do what. */
import type { ServiceError } from "@grpc/grpc-js";
import { messageOf } from "../../shared/message-of.ts";
import { CallError } from "../../contracts/invocation.ts";
import type { Peer } from "../../contracts/name-resolver.ts";
import { lost, sidecarOf, unreachable } from "../failures.ts";
import { kindOf, unsentMark } from "./status.ts";

/** The library's own messages, in the words of version 1.14; all others come from the callee. */
const noConnection = /^No connection established/;
const noName = /^Name resolution failed/;
/** HTTP/2 promises that such a call was not looked at (RFC 9113 §8.7). It happens when a sidecar closes its last connection. */
const refused = /^Stream refused by server/;
const broken =
  /^(Connection dropped|Write (error|failed)|(read|write) E[A-Z]+)/;
const endedEarly = /^(Received RST_STREAM|Call cancelled)/;

/** The error that the library quotes, without the date in parentheses at its end. */
function quoted(details: string): string | undefined {
  const [, rest] = details.split("Last error: ", 2);
  const end = rest?.indexOf(". Resolution note:") ?? -1;
  if (end < 0) return undefined;
  return rest!
    .slice(0, end)
    .replace(/^Error: /, "")
    .replace(/ \([-:.\dTZ]+\)$/, "");
}

export function toCallError(
  error: ServiceError,
  appId: string,
  peer: Peer,
): CallError {
  const { details } = error;
  if (noConnection.test(details))
    return unreachable(
      appId,
      peer,
      quoted(details) ?? details.replace(noConnection, "no connection"),
      error,
    );
  if (noName.test(details))
    return unreachable(appId, peer, `there is no host ${peer.host}`, error);
  if (refused.test(details)) return unreachable(appId, peer, details, error);
  if (broken.test(details)) return lost(appId, peer, details, error);
  if (endedEarly.test(details))
    return new CallError(
      "internal",
      `${sidecarOf(appId, peer)} broke the call off: ${details}`,
      { cause: error },
    );
  const kind = kindOf(error.code);
  return new CallError(
    kind,
    kind === "unavailable"
      ? `${sidecarOf(appId, peer)} is not available: ${details}`
      : details,
    { cause: error, unsent: error.metadata.get(unsentMark).length > 0 },
  );
}

/** The callee ended the call, or answered, without the head of an answer. */
export const headless = (appId: string, peer: Peer): CallError =>
  new CallError(
    "internal",
    `${sidecarOf(appId, peer)} answered without a status; is it a Dapr sidecar?`,
  );

/** The head of its answer is not valid in HTTP. */
export const unreadable = (
  appId: string,
  peer: Peer,
  cause: unknown,
): CallError =>
  new CallError("internal", `${sidecarOf(appId, peer)}: ${messageOf(cause)}`, {
    cause,
  });
