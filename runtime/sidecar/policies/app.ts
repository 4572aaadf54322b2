/** The channel of an app over HTTP with a count around each call of it; calls over gRPC are counted by their client. */
import type { AppChannel } from "../../contracts/app-channel.ts";
import type { OnStatus } from "../../contracts/subscription.ts";
import {
  DeliveryError,
  DeliveryInterrupted,
} from "../../contracts/delivery.ts";

/**
 * A call of the app: its verb, its path without the query, what the app answered (500 if it did not), the size of
 * the body (0 where it is a stream), and the time.
 */
export type ObserveApp = (
  method: string,
  path: string,
  status: number,
  bytes: number,
  ms: number,
) => void;

export type OpenChannel = AppChannel & { close(): Promise<void> };

export const aroundApp = (
  channel: OpenChannel,
  observe: ObserveApp,
): OpenChannel => ({
  // What is not counted: whether the app takes an input, its health, and what its protocol has besides.
  ...channel,
  subscriptions: () =>
    timed(observe, "GET", "dapr/subscribe", 0, (onStatus) =>
      channel.subscriptions(onStatus),
    ),
  deliverEvent: (event, _told, limit) =>
    timed(
      observe,
      "POST",
      withoutQuery(event.path),
      event.envelope.length,
      (told) => channel.deliverEvent(event, told, limit),
    ),
  deliverEvents: (events, _told, limit) =>
    timed(observe, "POST", withoutQuery(events.path), 0, (told) =>
      channel.deliverEvents(events, told, limit),
    ),
  deliver(input, message, signal) {
    const started = performance.now();
    const bytes = message.data.length;
    const tell = (status: number) =>
      observe("POST", input.route, status, bytes, performance.now() - started);
    return channel.deliver(input, message, signal).then(
      (answer) => {
        tell(200);
        return answer;
      },
      (error: unknown) => {
        if (!(error instanceof DeliveryInterrupted)) tell(statusOf(error));
        throw error;
      },
    );
  },
  invoke(request) {
    const started = performance.now();
    const { method, path, body } = request;
    const bytes = body instanceof Uint8Array ? body.length : 0;
    const tell = (status: number) =>
      observe(
        method,
        // As the original names it: without the slash at its beginning.
        withoutQuery(path).slice(1),
        status,
        bytes,
        performance.now() - started,
      );
    return channel.invoke(request).then(
      (reply) => {
        tell(reply.status);
        return reply;
      },
      (error: unknown) => {
        tell(500);
        throw error;
      },
    );
  },
});

/** The status is told by the channel; without an answer it is 500. */
async function timed<T>(
  observe: ObserveApp,
  method: string,
  path: string,
  bytes: number,
  call: (onStatus: OnStatus) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  let status = 500;
  try {
    return await call((told) => (status = told));
  } finally {
    observe(method, path, status, bytes, performance.now() - started);
  }
}

const statusOf = (error: unknown): number =>
  error instanceof DeliveryError ? (error.status ?? 500) : 500;

const withoutQuery = (path: string): string => path.split("?", 1)[0]!;
