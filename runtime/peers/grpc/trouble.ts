/** What gRPC says of a call that failed, in words that tell who did not do what. */
import type { ServiceError } from "@grpc/grpc-js";
import { CallError } from "../../invocation.ts";
import type { Peer } from "../../name-resolver.ts";
import { lost, sidecarOf, unreachable } from "../failures.ts";
import { kindOf, unsentMark } from "./status.ts";

/** The library's own details, as its version 1.14 words them; all others are the callee's. */
const noConnection = /^No connection established/;
const noName = /^Name resolution failed/;
/** HTTP/2 promises that nothing of such a call was looked at (RFC 9113 §8.7): so ends a sidecar's last connection. */
const refused = /^Stream refused by server/;
const broken =
  /^(Connection dropped|Write (error|failed)|(read|write) E[A-Z]+)/;
const endedEarly = /^(Received RST_STREAM|Call cancelled)/;

/** A date in parentheses ends what the library quotes. */
const quoted =
  /Last error: (?:Error: )?(.+?)(?: \([-:.\dTZ]+\))?\. Resolution note:/;

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
      quoted.exec(details)?.[1] ??
        details.replace(noConnection, "no connection"),
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

/** The callee ended the call well, or answered, without the head of an answer. */
export const headless = (appId: string, peer: Peer): CallError =>
  new CallError(
    "internal",
    `${sidecarOf(appId, peer)} answered without a status; is it a Dapr sidecar?`,
  );
