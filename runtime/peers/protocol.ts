/**
 * What two sidecars of this kind speak instead of gRPC: the call itself as
 * HTTP/1.1 over kept connections, behind a mark. HTTP/2 costs two to three
 * times as much per call.
 *
 * A request begins with `Host: dapr-sidecar` and `dapr-peer: 1`, in this order,
 * an answer of the app with `dapr-peer: 1`. `dapr-peer: 1; KIND` tells that
 * there is none, and the body why. Another version is refused with 505 before
 * anything of the body is read.
 */
import type { CallErrorKind } from "../invocation.ts";

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
export const errorMark = (kind: CallErrorKind): string =>
  `${directVersion}; ${kind}`;

/** The kind that a mark tells; undefined for anything else. */
export function kindOfMark(mark: string): CallErrorKind | undefined {
  const prefix = `${directVersion}; `;
  const kind = mark.startsWith(prefix) ? mark.slice(prefix.length) : "";
  return kinds.has(kind) ? (kind as CallErrorKind) : undefined;
}
