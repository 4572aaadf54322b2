/** What a sidecar tells of what passes through it, to those who watch it. */

/** Up to 4 KiB of a body as it passed. */
export interface Body {
  contentType: string;
  /** The whole body's length. */
  bytes: number;
  text?: string;
  base64?: string;
  isCut: boolean;
  /** Why it is not shown. */
  hidden?: string;
}

/** A call of the sidecar's API. */
export interface CallEvent {
  type: "call";
  id: string;
  /** When it began, in ms since the epoch. */
  at: number;
  ms: number;
  door: "http" | "grpc";
  /** `POST`, or the gRPC method's full name. */
  method: string;
  path: string;
  block:
    | "state"
    | "bindings"
    | "pubsub"
    | "invoke"
    | "secrets"
    | "metadata"
    | "other";
  /** The component or the app ID. */
  target?: string;
  topic?: string;
  key?: string;
  /** HTTP status, or gRPC code. */
  status: number;
  isError: boolean;
  request?: Body;
  response?: Body;
}

/** What the sidecar gave to its app. */
export interface DeliveryEvent {
  type: "delivery";
  id: string;
  at: number;
  ms: number;
  from: "bindings" | "pubsub" | "invoke";
  /** The component, or the calling app's ID if known. */
  source?: string;
  topic?: string;
  path: string;
  status?: number;
  outcome: "success" | "retry" | "drop" | "error";
  request?: Body;
  response?: Body;
}

/** The watcher was too slow for so many events. */
export interface MissedEvent {
  type: "missed";
  count: number;
}

export type WatchEvent = CallEvent | DeliveryEvent | MissedEvent;
