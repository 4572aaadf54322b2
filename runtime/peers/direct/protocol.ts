/**
 * What two sidecars of this kind speak instead of gRPC: the call itself as
 * HTTP/1.1 over kept connections, behind a mark. HTTP/2 costs two to three
 * times as much per call.
 *
 * A connection begins with a greeting, `OPTIONS *`, which is answered with 204: only a sidecar of this kind
 * does so, hence no call goes to anything else. A request begins with `Host: dapr-sidecar` and `dapr-peer: 1`,
 * in this order; an answer of the app begins with `dapr-peer: 1`. `dapr-peer: 1; KIND` means that there
 * is no answer, and the body says why. `dapr-peer: 1; KIND; unsent` means that the app
 * never saw the call, so any other sidecar of the app may be asked. Another version is refused
 * with 505 before anything of the body is read.
 */
import type { CallError, CallErrorKind } from "../../contracts/invocation.ts";

/** Both sides must have the same. */
export const directVersion = "1";

export const peerHeader = "dapr-peer";

/** No web page can have this name: a page whose DNS name was rebound to this machine sends its own. */
export const peerHost = "dapr-sidecar";

export const greetingQuestion = `OPTIONS * HTTP/1.1\r\nhost: ${peerHost}\r\n${peerHeader}: ${directVersion}\r\n\r\n`;
export const statusOfGreeting = 204;
/** After a greeting a server waits so long for a call. */
const greetedSeconds = 10;
export const greetingAnswer = `HTTP/1.1 ${statusOfGreeting} No Content\r\n${peerHeader}: ${directVersion}\r\nkeep-alive: timeout=${greetedSeconds}\r\n\r\n`;

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

/** What a mark says of a failed call; undefined for anything else. */
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
