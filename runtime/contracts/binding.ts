/** What a binding is: the contract between the bindings building block and the drivers. */
import type { Call } from "./call.ts";
import { definer } from "./component.ts";

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
  /** `call`: whoever waits for the answer; where the work can be stopped it ends with the caller. */
  invoke?(
    request: BindingRequest,
    call?: Call,
  ): Promise<BindingResponse | undefined>;
  read?(deliver: Deliver): Promise<StopReading>;
  close(): Promise<void>;
}

export const defineBinding = definer<Binding>();

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
