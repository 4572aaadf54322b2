/** A stream of SubscribeTopicEventsAlpha1, as an SDK opens it. */
import type { GrpcApi } from "./grpc-api.ts";
import type { Message } from "./proto-services.ts";

export interface TopicStream {
  /** The `event_message`s so far. */
  events: Message[];
  /** Their data, as text. */
  data(): string[];
  /** Resolves with the first response. */
  greeted: Promise<Message>;
  /** Resolves with the status that the stream ended with. */
  ended: Promise<{ code: number; text: string }>;
  send(request: Message): void;
  /** Answers an event; without a status as some SDKs do. */
  answer(id: unknown, status?: "SUCCESS" | "RETRY" | "DROP"): void;
  halfClose(): void;
  cancel(): void;
}

/** `initial`: the first request; `none` sends none. */
export function openTopicStream(
  api: GrpcApi,
  initial: Message | "none" = { pubsubName: "bus", topic: "orders" },
): TopicStream {
  const call = api.open("SubscribeTopicEventsAlpha1");
  const events: Message[] = [];
  const greeted = Promise.withResolvers<Message>();
  const ended = Promise.withResolvers<{ code: number; text: string }>();
  call.on("data", (message: Message) => {
    const event = message["eventMessage"] as Message | undefined;
    if (event) events.push(event);
    else greeted.resolve(message);
  });
  call.on("error", () => {}); // the status tells it
  call.on("status", ({ code, details }: { code: number; details: string }) =>
    ended.resolve({ code, text: details }),
  );
  const send = (request: Message) => void call.write(request);
  if (initial !== "none") send({ initialRequest: initial });
  return {
    events,
    data: () => events.map((event) => String(event["data"])),
    greeted: greeted.promise,
    ended: ended.promise,
    send,
    answer: (id, status) =>
      send({
        eventProcessed: { id, ...(status ? { status: { status } } : {}) },
      }),
    halfClose: () => call.end(),
    cancel: () => call.cancel(),
  };
}
