/** A message on its way from a component to the app: what input bindings and subscriptions have in common. */

/** A record on its way to the app. `data` is the raw bytes; a null record is the text `null`. */
export interface Message {
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
export type Deliver = (message: Message) => Promise<Uint8Array | undefined>;

/** Stops an input: takes nothing new, waits for what is in flight, commits what was acknowledged. */
export type StopReading = () => Promise<void>;

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

/**
 * A delivery was called off because its input stops: the app neither took nor
 * refused the message, so it must stay unacknowledged.
 */
export class DeliveryInterrupted extends Error {
  override name = "DeliveryInterrupted";
}
