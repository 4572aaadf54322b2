/**
 * The shared types: what a resource, a component and a binding are. Nothing
 * here knows HTTP, YAML or any client library.
 */
import type { Forward } from "./invocation.ts";
import type { Logger } from "./log.ts";
import type { MetadataTable, MetadataValues } from "./metadata.ts";

/** Where something was written: `components/kafka.yaml:12:5` (1-based). */
export interface Position {
  /** The place of something that is in a cluster and not in a file: `component orders, spec.metadata[0]`, with line and column 0. */
  file: string;
  line: number;
  column: number;
}

/** One entry of `spec.metadata`, its value already text (YAML 1.1 scalars, see docs/protocol/resources.md). */
export interface MetadataItem {
  name: string;
  value: string;
  at?: Position;
  /** Where its name is written; `at` is the place of its value. */
  nameAt?: Position;
  /** The value came from a secret store: no message may contain it. */
  isSecret?: boolean;
}

/** A `kind: Component` document after parsing and filtering. */
export interface ComponentResource {
  name: string;
  /** Lower-case type, e.g. `bindings.kafka`. */
  type: string;
  /** As written; empty when absent. */
  version: string;
  metadata: MetadataItem[];
  ignoreErrors: boolean;
  initTimeoutMs: number;
  scopes: string[];
  secretStore?: string;
  at?: Position;
}

/** A request to an output binding. `data` is `undefined` for a null record. */
export interface BindingRequest {
  operation: string;
  data: Uint8Array | undefined;
  metadata: Record<string, string>;
}

/** Its answer; `undefined` instead of a response means HTTP 204. `data` is handed over: its memory is freed once it is sent. */
export interface BindingResponse {
  data?: Uint8Array;
  metadata?: Record<string, string>;
}

/** A record on its way to the app. `data` is the raw bytes; a null record is the text `null`. */
export interface BindingMessage {
  data: Uint8Array;
  metadata: Record<string, string>;
  /** True for a message that is worthless later, such as a tick of a clock: while no app listens it fails at once and is not held. */
  perishable?: boolean;
}

/**
 * Hands one message to the app. Resolves with the app's body once the app took
 * it (any 2xx). Otherwise it rejects, and the component decides whether to
 * redeliver, dead-letter or skip the message; after a {@link DeliveryInterrupted} it does none of these.
 * The component must not call it twice at the same time for one partition.
 */
export type Deliver = (
  message: BindingMessage,
) => Promise<Uint8Array | undefined>;

/** Stops an input: takes nothing new, waits for what is in flight, commits what was acknowledged. */
export type StopReading = () => Promise<void>;

/**
 * A binding. A method's presence is the capability: `invoke` makes it an output
 * binding, `read` an input binding. `read` may be called again after its stop
 * (the app became unhealthy and healthy again).
 */
export interface Binding {
  /** Operations `invoke` takes, in the order the error names them, e.g. `["create"]`. */
  operations?: string[];
  invoke?(request: BindingRequest): Promise<BindingResponse | undefined>;
  read?(deliver: Deliver): Promise<StopReading>;
  close(): Promise<void>;
}

/** What a component gets when it is opened. `meta` is typed by its metadata table. */
export interface OpenContext<T extends MetadataTable = MetadataTable> {
  name: string;
  appId: string;
  meta: MetadataValues<T>;
  /** Every item as written, for components that pass unknown keys on. */
  items: readonly MetadataItem[];
  /** The sidecar's environment. */
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** What this binding is used for (the component's `direction`); both unless restricted. */
  directions: { input: boolean; output: boolean };
}

/** What every component can do. */
export interface Closable {
  close(): Promise<void>;
}

/** A component type with the table of its metadata and how to open one. */
export interface ComponentDefinition<C extends Closable = Closable> {
  /** e.g. `bindings.kafka` */
  type: string;
  /** Versions it answers to; `["v1"]` also serves an empty version and `v0`. */
  versions: string[];
  metadata: MetadataTable;
  /** Prefix of a metadata error, if the original has one: `kafka error: `. */
  errorPrefix?: string;
  /**
   * Opens the component. Throws on bad metadata. A server that is only late is
   * not an error: connect in the background and keep trying.
   */
  open(context: OpenContext): Promise<C>;
}

/** Defines a binding. Its generic types end here: all bindings have one type. */
export function defineBinding<T extends MetadataTable>(
  type: string,
  metadata: T,
  open: (context: OpenContext<T>) => Promise<Binding>,
  options: { errorPrefix?: string } = {},
): ComponentDefinition<Binding> {
  return {
    type,
    versions: ["v1"],
    metadata,
    ...options,
    open: open as unknown as ComponentDefinition<Binding>["open"],
  };
}

/** The app did not take a message: its answer, or why it could not be reached. */
export class DeliveryError extends Error {
  override name = "DeliveryError";
  /** HTTP status of the app, `undefined` on a transport error. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** An output binding failed but gave metadata, which go to the caller with the error. */
export class BindingError extends Error {
  override name = "BindingError";
  readonly metadata: Record<string, string>;

  constructor(message: string, metadata: Record<string, string>) {
    super(message);
    this.metadata = metadata;
  }
}

/**
 * A delivery was called off because its input stops: the app neither took nor
 * refused the message, so it must stay unacknowledged.
 */
export class DeliveryInterrupted extends Error {
  override name = "DeliveryInterrupted";
}

/** What the app answered. `body` is at most the body limit. */
export interface AppReply {
  status: number;
  body: Uint8Array;
}

/** The one door to the user's app. */
export interface AppChannel {
  /**
   * Passes a request through, with both bodies streamed. Headers go out as they
   * are, with the app's token added. Waits for a free place like `send`, and
   * keeps it until the answer's body has ended.
   */
  forward: Forward;
  /**
   * Sends a request and reads the answer. Waits for a free place if concurrency
   * is limited. Rejects with a {@link DeliveryError} if the app can't be reached
   * or breaks off.
   */
  send(
    method: string,
    path: string,
    options?: {
      body?: Uint8Array;
      headers?: Record<string, string>;
      timeoutMs?: number;
      /** A health probe: needs no free place and carries no token. */
      probe?: boolean;
    },
  ): Promise<AppReply>;
  /** Resolves once something listens on the app's port; rejects when `signal` aborts. */
  whenListening(signal: AbortSignal): Promise<void>;
}
