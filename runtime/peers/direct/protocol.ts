/**
 * What two sidecars of this kind speak instead of gRPC: the call itself as
 * HTTP/1.1 over kept connections, behind a mark. HTTP/2 costs two to three
 * times as much per call.
 *
 * A request begins with `Host: dapr-sidecar` and `dapr-peer: 1`, in this order,
 * an answer of the app with `dapr-peer: 1`. `dapr-peer: 1; KIND` tells that
 * there is none, and the body why; `dapr-peer: 1; KIND; unsent` that the app never
 * saw the call, so that any other sidecar of it may be asked. Another version is refused with 505 before
 * anything of the body is read.
 */
import type { CallError, CallErrorKind } from "../../contracts/invocation.ts";

/** Told by the registration; both sides have to have the same. */
export const directVersion = "1";

export const peerHeader = "dapr-peer";

/** No name that a web page could have been loaded from: a page whose name was rebound to this machine says its own. */
export const peerHost = "dapr-sidecar";

export const statusOfError = 502;
export const statusOfOtherVersion = 505;

const kinds: ReadonlySet<string> = new Set<CallErrorKind>([
  "unavailable",
  "unauthenticated",
  "denied",
  "invalid",
  "too-large",
  "unimplemented",
  "internal",
]);

/** The mark of an answer that is not the app's. */
export const errorMark = ({ kind, unsent }: CallError): string =>
  `${directVersion}; ${kind}${unsent ? "; unsent" : ""}`;

/** What a mark tells of a call that failed; undefined for anything else. */
export function readErrorMark(
  mark: string,
): Pick<CallError, "kind" | "unsent"> | undefined {
  const [version, kind = "", unsent, ...rest] = mark.split("; ");
  const isKnown =
    version === directVersion &&
    kinds.has(kind) &&
    (unsent === undefined || unsent === "unsent") &&
    rest.length === 0;
  return isKnown
    ? { kind: kind as CallErrorKind, unsent: unsent !== undefined }
    : undefined;
}
