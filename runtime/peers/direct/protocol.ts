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
 *
 * What HTTP can't tell of callers and apps that speak gRPC stands behind the version as JSON in base64url: `dapr-peer: 1; …`
 * in a request (it names no verb, the type of its message), `dapr-peer: 1; grpc; …` in an answer (status, details, trailers).
 */
import type {
  CallError,
  CallErrorKind,
  ForwardReply,
  ForwardRequest,
  GrpcEnd,
} from "../../contracts/invocation.ts";

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

const packed = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

const unpacked = (text: string): unknown =>
  JSON.parse(Buffer.from(text, "base64url").toString());

interface RequestFacts {
  hasNoVerb?: boolean;
  typeUrl?: string;
}

export function requestMark({ method, typeUrl }: ForwardRequest): string {
  const hasNoVerb = method === "NONE";
  return hasNoVerb || typeUrl
    ? `${directVersion}; ${packed({ hasNoVerb, typeUrl } satisfies RequestFacts)}`
    : directVersion;
}

/** Undefined for a mark of another version. */
export function readRequestMark(
  mark: string | undefined,
): RequestFacts | undefined {
  if (mark === directVersion) return {};
  const start = `${directVersion}; `;
  if (!mark?.startsWith(start)) return undefined;
  try {
    const told = unpacked(mark.slice(start.length)) as RequestFacts;
    return {
      ...(told.hasNoVerb === true && { hasNoVerb: true }),
      ...(typeof told.typeUrl === "string" && { typeUrl: told.typeUrl }),
    };
  } catch {
    return undefined;
  }
}

const grpcStart = `${directVersion}; grpc; `;

/** So that it leaves room in an answer's head, which has 64 KiB at most. */
const mostPacked = 32 * 1024;
const mostMessage = 4 * 1024;

/** Of a gRPC app's answer that is very large, details and trailers are left out. */
export function answerMark({ grpc }: ForwardReply): string {
  if (!grpc) return directVersion;
  const { message, details } = grpc;
  const whole = packed({
    ...grpc,
    details: details && Buffer.from(details).toString("base64"),
  });
  if (whole.length <= mostPacked) return grpcStart + whole;
  const short = message.slice(0, mostMessage);
  const rest = { ...grpc, message: short, details: undefined, trailers: [] };
  return grpcStart + packed(rest);
}

/** Undefined for any mark but that of a gRPC app's answer. */
export function readGrpcMark(mark: string): GrpcEnd | undefined {
  if (!mark.startsWith(grpcStart)) return undefined;
  try {
    const { details, ...told } = unpacked(mark.slice(grpcStart.length)) as Omit<
      GrpcEnd,
      "details"
    > & { details?: string };
    const isRight =
      Number.isInteger(told.code) &&
      typeof told.message === "string" &&
      Array.isArray(told.trailers);
    if (!isRight) return undefined;
    return {
      ...told,
      ...(details !== undefined && { details: Buffer.from(details, "base64") }),
    };
  } catch {
    return undefined;
  }
}
