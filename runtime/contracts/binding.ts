/** What a binding is: the contract between the bindings building block and the drivers. */
import type { Call } from "./call.ts";
import { definer } from "./component.ts";
import type { Deliver, StopReading } from "./delivery.ts";

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

/** An output binding failed but gave metadata, which go to the caller with the error. */
export class BindingError extends Error {
  override name = "BindingError";
  readonly metadata: Record<string, string>;

  constructor(message: string, metadata: Record<string, string>) {
    super(message);
    this.metadata = metadata;
  }
}
