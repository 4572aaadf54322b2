/** The channel of an app with something around each call of it: a count, and what a watcher is told. */
import type { AppChannel } from "../../contracts/app-channel.ts";
import {
  DeliveryError,
  DeliveryInterrupted,
} from "../../contracts/delivery.ts";
import type { OnAnswer } from "../../contracts/subscription.ts";
import type { Watch } from "../../contracts/watch.ts";
import { watchInput, watchInvoke, watchProxied } from "./watched-app.ts";

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
  watch: Watch | undefined,
): OpenChannel => ({
  // What is not counted: whether the app takes an input, its health, and what its protocol has besides.
  ...channel,
  subscriptions: () =>
    timed(observe, "GET", "dapr/subscribe", 0, (onAnswer) =>
      channel.subscriptions(onAnswer),
    ),
  deliverEvent: (event, told, limit) =>
    timed(
      observe,
      "POST",
      withoutQuery(event.path),
      event.envelope.length,
      (onAnswer) => channel.deliverEvent(event, both(onAnswer, told), limit),
    ),
  deliverEvents: (events, told, limit) =>
    timed(observe, "POST", withoutQuery(events.path), 0, (onAnswer) =>
      channel.deliverEvents(events, both(onAnswer, told), limit),
    ),
  deliver(input, message, signal) {
    const started = performance.now();
    const bytes = message.data.length;
    const seen = watch?.isOn ? watchInput(watch, input, message) : undefined;
    const tell = (status: number) =>
      observe("POST", input.route, status, bytes, performance.now() - started);
    return channel.deliver(input, message, signal, seen?.onAnswer).then(
      (answer) => {
        tell(200);
        seen?.answered(answer.data);
        seen?.end("success");
        return answer;
      },
      (error: unknown) => {
        if (!(error instanceof DeliveryInterrupted)) {
          tell(statusOf(error));
          seen?.end("error");
        }
        throw error;
      },
    );
  },
  invoke(request) {
    const started = performance.now();
    const { method, path, body } = request;
    const bytes = body instanceof Uint8Array ? body.length : 0;
    const seen = watch?.isOn ? watchInvoke(watch, request) : undefined;
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
        seen?.answered(reply);
        return reply;
      },
      (error: unknown) => {
        tell(500);
        seen?.failed();
        throw error;
      },
    );
  },
  ...(watch && channel.proxy && { proxy: watchedProxy(channel.proxy, watch) }),
});

const watchedProxy =
  (
    proxy: NonNullable<AppChannel["proxy"]>,
    watch: Watch,
  ): AppChannel["proxy"] =>
  (call, metadata) => {
    if (!watch.isOn) return proxy(call, metadata);
    const seen = watchProxied(watch, call, metadata);
    return proxy(seen.call, metadata).finally(seen.over);
  };

/** The status is told by the channel; without an answer it is 500. */
async function timed<T>(
  observe: ObserveApp,
  method: string,
  path: string,
  bytes: number,
  call: (onAnswer: OnAnswer) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  let status = 500;
  try {
    return await call((told) => (status = told));
  } finally {
    observe(method, path, status, bytes, performance.now() - started);
  }
}

const both = (one: OnAnswer, other: OnAnswer | undefined): OnAnswer =>
  other
    ? (status, body) => {
        one(status, body);
        other(status, body);
      }
    : one;

const statusOf = (error: unknown): number =>
  error instanceof DeliveryError ? (error.status ?? 500) : 500;

const withoutQuery = (path: string): string => path.split("?", 1)[0]!;
