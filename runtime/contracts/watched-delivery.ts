/** One delivery to the app while somebody watches: what the app answers, and how it ends. */
import { previewOf } from "../shared/body-preview.ts";
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
  readonly #request: () => Body | undefined;
  readonly #at = Date.now();
  readonly #started = performance.now();
  #status: number | undefined;
  #response: Body | undefined;

  /** `request` is asked at the end. */
  constructor(
    watch: Watch,
    delivered: Delivered,
    request: () => Body | undefined,
  ) {
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
    if (body.length > 0) this.#response ??= previewOf(body, "");
  }

  end(
    outcome: DeliveryEvent["outcome"],
    status = this.#status,
    response = this.#response,
  ): void {
    const { path, ...delivered } = this.#delivered;
    this.#watch.tell({
      type: "delivery",
      at: this.#at,
      ms: performance.now() - this.#started,
      ...delivered,
      path: shownPath(path),
      status,
      outcome,
      request: this.#request(),
      response,
    });
  }
}
