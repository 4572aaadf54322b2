/** A gRPC call of any service and method that is passed on as it is: its messages are never read. */

/** Metadata by lower-case names; several values of one name stay apart. Bytes (`…-bin`) are base64. */
export type ProxiedMetadata = Record<string, string | string[]>;

/** Between sidecars this metadata tells of a failed call that the app saw nothing of it. Callers and apps never see it. */
export const unsentMark = "dapr-unsent";

/** It is told to whoever asks so. gRPC keeps the name to itself: a sidecar of the original drops it, and its app never sees it. */
export const unsentAsked = { name: "grpc-message-type", value: unsentMark };

/** The app that a call is for, `app` or `app.namespace`, as its metadata name it; undefined where they name none. */
export function targetOf(
  metadata: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined {
  const named = metadata["dapr-callee-app-id"] ?? metadata["dapr-app-id"];
  return Array.isArray(named) ? named[0] : named;
}

/** A call as it came in. */
export interface ProxiedCall {
  /** `/package.Service/Method` */
  readonly path: string;
  /** All that the caller sent, its content type and compression included. */
  readonly proxied: ProxiedMetadata;
  /** Aborts when the caller went away, or its deadline is over. */
  readonly signal: AbortSignal;
  /** Until its deadline; undefined without one. */
  readonly leftMs: number | undefined;
  /** Begins to read the messages with their heads, in whatever pieces they come. Of a call that breaks off the end is not told. */
  readBytes(onBytes: (bytes: Buffer) => void, onEnd: () => void): void;
  /** To be called before it is read: so much of it is kept for {@link rewind}, if that is more than without. */
  keep(bytes: number): void;
  /** So that it can be passed on elsewhere, {@link readBytes} begins anew. False once some of the answer went out, or more was read than is kept. */
  rewind(): boolean;
  pause(): void;
  resume(): void;
  /** The head of the answer. */
  beginWith(metadata: ProxiedMetadata): void;
  /** False when more should wait; `done` is called once it is written, or never will be. */
  writeBytes(bytes: Uint8Array, done: () => void): boolean;
  /** The status is among the trailers. Without a head before, it is the whole answer. */
  endWith(trailers: ProxiedMetadata): void;
  /** Ends it with an error of this sidecar's own. */
  fail(error: Error): void;
}

/** Passes a call on to an app. Resolves once it is over, however it ended; rejects if the app saw nothing of it, so that it can be passed on elsewhere. */
export type Proxy = (
  call: ProxiedCall,
  metadata: ProxiedMetadata,
) => Promise<void>;
