/** One delivery to the app while somebody watches: what the app answers, and how it ends. */
import { copyOf } from "../shared/body-preview.ts";
import { shownPath } from "../shared/shown-url.ts";
import type { Body, DeliveryEvent } from "../shared/watch-event.ts";
import type { OnAnswer } from "./subscription.ts";
import type { Unnumbered, Watch } from "./watch.ts";

export type Delivered = Pick<
  Unnumbered<DeliveryEvent>,
  "from" | "source" | "topic" | "path"
>;

export class WatchedDelivery {
  readonly #watch: Watch;
  readonly #delivered: Delivered;
  readonly #request: Preview;
  readonly #at = Date.now();
  readonly #started = performance.now();
  #status: number | undefined;
  #response: Preview | undefined;

  /** `request` is asked once the event is told. */
  constructor(watch: Watch, delivered: Delivered, request: Preview) {
    this.#watch = watch;
    this.#delivered = delivered;
    this.#request = request;
  }

  readonly onAnswer: OnAnswer = (status, body) => {
    this.#status = status;
    this.answered(body);
  };

  /** By an app that has no status of HTTP. */
  answered(body: Uint8Array): void {
    if (body.length > 0) this.#response ??= laterPreview(body, "");
  }

  end(
    outcome: DeliveryEvent["outcome"],
    status = this.#status,
    response = this.#response,
  ): void {
    const ms = performance.now() - this.#started;
    this.#watch.tell(() => {
      const { path, ...delivered } = this.#delivered;
      return {
        type: "delivery",
        at: this.#at,
        ms,
        ...delivered,
        path: shownPath(path),
        status,
        outcome,
        request: this.#request(),
        response: response?.(),
      };
    });
  }
}

/** What is asked for a body once the event is told. */
export type Preview = () => Body | undefined;

/** Of bytes that may be another's by then. */
export function laterPreview(body: Uint8Array, contentType: string): Preview {
  const copy = copyOf(body);
  return () => copy.preview(contentType);
}
