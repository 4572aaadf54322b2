/**
 * The types of service invocation: a request that is passed through and its
 * answer, both with bodies that may be streams, and what carries them from one
 * sidecar to another.
 */
import type { Readable } from "node:stream";
import { grpcCode } from "../shared/grpc-code.ts";
import type { Peer } from "./name-resolver.ts";
import type { ProxiedCall, ProxiedMetadata } from "./proxied-call.ts";

/** Names and values in turn, as they came: `["content-type", "text/plain", …]`. */
export type RawHeaders = string[];

export interface ForwardRequest {
  /** Any verb but CONNECT. NONE is a caller's over gRPC that names none, which only apps over gRPC take. */
  method: string;
  /** Normalised path with its query, as it goes on the wire: `/neworder?x=1`. */
  path: string;
  headers: RawHeaders;
  /** Of a caller over gRPC: the type of the message that the body is, which only apps over gRPC are told. */
  typeUrl?: string;
  /** Bytes if the whole body is at hand and may be sent again; a stream is sent once. */
  body: Uint8Array | Readable | undefined;
  /** Aborts when the caller has gone: whatever is under way ends. */
  signal?: AbortSignal;
}

export interface ForwardReply {
  status: number;
  headers: RawHeaders;
  /** If a stream fails half-way, the caller's connection has to be cut: a clean end would look like the whole body. */
  body: Uint8Array | Readable;
  /** Only of an app that speaks gRPC: what HTTP can't tell of its answer. */
  grpc?: GrpcEnd;
}

/** How a call of an app that speaks gRPC ended. */
export interface GrpcEnd {
  /** 0 is OK: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  code: number;
  message: string;
  /** The `google.rpc.Status` that the app sent, if it did. */
  details?: Uint8Array;
  /** What came behind the message. */
  trailers: RawHeaders;
  /** Of the message that the body is, if the app told it. */
  typeUrl?: string;
  /** Its sidecar says so in the app's place: the app saw nothing of the call, and another instance may be asked. */
  unsent?: boolean;
}

/** Passes a request on. Rejects with a {@link CallError}, or the channel's own error, if there is no answer. */
export type Forward = (request: ForwardRequest) => Promise<ForwardReply>;

/** A request from one sidecar to another; caller and callee travel in the headers (`dapr-caller-app-id` …). */
export interface PeerRequest extends ForwardRequest {
  appId: string;
  namespace: string;
}

/** A `kind: HTTPEndpoint`: an address outside that is called by a name. */
export interface HttpEndpoint {
  name: string;
  /** `http` or `https`; a path is kept before the method's. */
  baseUrl: string;
  /** Sent with each call, instead of the caller's headers of the same name. */
  headers: RawHeaders;
  /** PEM texts. */
  clientTls?: { rootCa?: string; certificate?: string; privateKey?: string };
}

/** The way to addresses that have no sidecar. */
export interface External {
  /** Calls the server of a plain URL; a redirect is the answer. */
  callUrl(baseUrl: string, request: ForwardRequest): Promise<ForwardReply>;
  /** Calls a named endpoint. */
  callEndpoint(
    endpoint: HttpEndpoint,
    request: ForwardRequest,
  ): Promise<ForwardReply>;
  /** Removes an endpoint; calls under way end well. */
  forget(endpoint: HttpEndpoint): Promise<void>;
  close(): Promise<void>;
}

/** The way to other sidecars. */
export interface Peers {
  call(peer: Peer, request: PeerRequest): Promise<ForwardReply>;
  /** Passes a gRPC call on; settles as {@link Proxy} does, and rejects with a {@link CallError}. */
  proxy(
    peer: Peer,
    appId: string,
    call: ProxiedCall,
    metadata: ProxiedMetadata,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Why a call between sidecars failed, in the terms of gRPC. */
export type CallErrorKind =
  | "unavailable"
  | "unauthenticated"
  | "denied"
  | "invalid"
  | "too-large"
  | "unimplemented"
  | "internal";

/** By which codes gRPC tells them. */
export const grpcCodeOfKind: Readonly<Record<CallErrorKind, number>> = {
  invalid: grpcCode.invalidArgument,
  denied: grpcCode.permissionDenied,
  "too-large": grpcCode.resourceExhausted,
  unimplemented: grpcCode.unimplemented,
  internal: grpcCode.internal,
  unavailable: grpcCode.unavailable,
  unauthenticated: grpcCode.unauthenticated,
};

/** Whether no connection was made, or it took nothing. */
export const isConnectError = (error: unknown): boolean => {
  const { syscall, unsent } = (error ?? {}) as NodeJS.ErrnoException & {
    unsent?: boolean;
  };
  return unsent === true || syscall === "connect" || syscall === "getaddrinfo";
};

/** No app has answered; the caller's error quotes `message`. */
export class CallError extends Error {
  override name = "CallError";
  readonly kind: CallErrorKind;
  /** Nothing of the request reached the app, so it may be sent again if its body is at hand. */
  readonly unsent: boolean;
  /** What the caller gets instead of an error, if no other instance takes the call. */
  readonly answer: ForwardReply | undefined;

  constructor(
    kind: CallErrorKind,
    message: string,
    options: { cause?: unknown; unsent?: boolean; answer?: ForwardReply } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.unsent = options.unsent ?? false;
    this.answer = options.answer;
  }
}
