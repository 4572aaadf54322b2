/** SubscribeTopicEventsAlpha1: a stream by which an app gets the events of a topic without a port of its own (docs/protocol/pubsub.md). */
import type { Subscriptions } from "../../blocks/pubsub/subscriptions.ts";
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import { outcomeOf } from "../../contracts/event-answer.ts";
import { eventFields } from "../../contracts/event-fields.ts";
import type { EventOutcome, TopicEvent } from "../../contracts/subscription.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import type { ServeCall } from "../../net/grpc/server.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import { encodeMessage } from "../../proto/codec.ts";
import { TopicEventResponse_TopicEventResponseStatus as Status } from "../../proto/gen/dapr/proto/runtime/v1/appcallback.ts";
import {
  SubscribeTopicEventsRequestAlpha1,
  SubscribeTopicEventsResponseAlpha1,
  type SubscribeTopicEventsRequestInitialAlpha1,
  type SubscribeTopicEventsRequestProcessedAlpha1,
} from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import type { Logger } from "../../shared/log.ts";
import { failCall } from "./errors.ts";
import { toRecord } from "./maps.ts";
import { decode, type Methods } from "./method.ts";

type Served = Pick<Subscriptions, "stream">;
type Answer = SubscribeTopicEventsRequestProcessedAlpha1;

export const subscribeMethods = (
  subscriptions: Served,
  log: Logger,
): Methods => ({
  SubscribeTopicEventsAlpha1: ((call) =>
    new Stream(call, subscriptions, log).read()) satisfies ServeCall,
});

class Stream {
  readonly #call: ServerCall;
  readonly #subscriptions: Served;
  readonly #log: Logger;
  #isAsked = false;
  #isGreeted = false;
  #isOver = false;
  #leave: (() => Promise<void>) | undefined;
  /** By the event's ID; two events may have the same. The first answer is for the first of them. */
  readonly #waiting = new Map<string, PromiseWithResolvers<string>[]>();

  constructor(call: ServerCall, subscriptions: Served, log: Logger) {
    this.#call = call;
    this.#subscriptions = subscriptions;
    this.#log = log;
  }

  read(): void {
    this.#call.onClose(() => this.#end());
    this.#call.read({
      onMessage: (bytes) => this.#take(bytes),
      // It says so that it answers nothing any more.
      onEnd: () => this.#fail(new Error("the app closed the stream")),
    });
  }

  #take(bytes: Buffer): void {
    const { subscribeTopicEventsRequestType: request } = decode(
      SubscribeTopicEventsRequestAlpha1,
      bytes,
    );
    if (!this.#isAsked) {
      if (request?.$case !== "initialRequest")
        return this.#fail(new Error("initial request is required"));
      this.#isAsked = true;
      void this.#subscribe(request.value);
    } else if (request?.$case === "eventProcessed")
      this.#answered(request.value);
    else this.#fail(new Error("duplicate initial request received"));
  }

  async #subscribe({
    pubsubName: pubsub,
    topic,
    metadata,
    deadLetterTopic,
  }: SubscribeTopicEventsRequestInitialAlpha1): Promise<void> {
    if (pubsub === "") return this.#fail(new Error("pubsubName is required"));
    if (topic === "") return this.#fail(new Error("topic is required"));
    const what = `pubsub '${pubsub}' topic '${topic}'`;
    try {
      const leave = await this.#subscriptions.stream({
        pubsub,
        topic,
        metadata: toRecord(metadata),
        deadLetterTopic: deadLetterTopic ?? "",
        deliver: (event) => this.#deliver(event),
        onEnd: () => this.#fail(stopped()),
      });
      this.#log.info(`Subscribing to ${what}`);
      this.#leave = async () => {
        await leave();
        this.#log.info(`Unsubscribed from ${what}`);
      };
      if (this.#isOver) void this.#leave();
      else this.#greet();
    } catch (error) {
      failCall(this.#call, error);
      this.#end();
    }
  }

  /** Before the first event. */
  #greet(): void {
    if (!this.#isGreeted) this.#call.write(initialResponse);
    this.#isGreeted = true;
  }

  async #deliver({
    pubsub,
    topic,
    path,
    parsed,
  }: TopicEvent): Promise<EventOutcome> {
    if (this.#isOver) throw gone();
    this.#greet();
    const fields = eventFields(parsed());
    const answer = Promise.withResolvers<string>();
    const before = this.#waiting.get(fields.id) ?? [];
    this.#waiting.set(fields.id, [...before, answer]);
    this.#call.write(
      encodeMessage(SubscribeTopicEventsResponseAlpha1, {
        subscribeTopicEventsResponseType: {
          $case: "eventMessage",
          value: { ...fields, topic, path, pubsubName: pubsub },
        },
      }),
    );
    return outcomeOf(await answer.promise, fields.id, this.#log);
  }

  #answered({ id, status }: Answer): void {
    const [first, ...rest] = this.#waiting.get(id) ?? [];
    if (rest.length > 0) this.#waiting.set(id, rest);
    else this.#waiting.delete(id);
    first?.resolve(nameOf(status?.status ?? Status.SUCCESS));
  }

  #fail(error: Error): void {
    this.#call.fail(error);
    this.#end();
  }

  /** Takes no more; what is not answered is handed back. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#leave?.();
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { reject } of all) reject(gone());
  }
}

const gone = () => new DeliveryInterrupted("the stream is gone");

const initialResponse = encodeMessage(SubscribeTopicEventsResponseAlpha1, {
  subscribeTopicEventsResponseType: { $case: "initialResponse", value: {} },
});

/** Whoever gets this may try again, with the sidecar's successor. */
const stopped = () =>
  new GrpcError(grpcCode.unavailable, "the sidecar shuts down");

/** The number if it has no name. */
const nameOf = (status: number): string =>
  Object.entries(Status).find(([, number]) => number === status)?.[0] ??
  String(status);
