/** Who is told what passes through this sidecar, while somebody watches (docs/protocol/watch.md). */
import type { CallEvent, DeliveryEvent } from "../shared/watch-event.ts";

/** An event that has no number yet. What is undefined is left out. */
export type Unnumbered<E> = {
  [K in keyof E as K extends "id" ? never : K]: object extends Pick<E, K>
    ? E[K] | undefined
    : E[K];
};

export interface Watch {
  /** Whether anybody watches. It is asked first: if nobody does, nothing else is done. */
  readonly isOn: boolean;
  /** `event` is called soon after, with others: it costs least if it is done for several at once. */
  tell(event: () => Unnumbered<CallEvent> | Unnumbered<DeliveryEvent>): void;
}
