/** One message on its way to who takes it: read, routed, delivered, and what becomes of it then (docs/protocol/pubsub.md). */
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import type { TopicMessage } from "../../contracts/pubsub.ts";
import type { Run } from "../../contracts/run.ts";
import type {
  CloudEvent,
  EventOutcome,
  Subscription,
} from "../../contracts/subscription.ts";
import type { Watch } from "../../contracts/watch.ts";
import { pause } from "../../shared/backoff.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { isAway, runUnlessAway } from "../reading/hold.ts";
import { sendToDeadLetter } from "./dead-letter.ts";
import { isExpired, readEvent, type Event } from "./event.ts";
import { withoutPrefix, type NamedPubSub } from "./named-pubsub.ts";
import { isRawPayload } from "./overrides.ts";
import type { Taker } from "./takers.ts";
import { resultOf, watchEvent } from "./watched-events.ts";

export type EventResult = "success" | "retry" | "drop";

/**
 * What came of a try to deliver, or of an event that is not delivered. `ms` is 0 if nobody was asked.
 * `status`: what it counts as, which is a success where somebody wants the event to be dropped.
 */
export type ObserveEvent = (
  pubsub: string,
  topic: string,
  outcome: EventResult,
  status: EventResult,
  ms: number,
) => void;

export interface DeliveryOptions {
  /** What is to happen around each delivery of a component's messages. */
  inbound(component: string): Run;
  onEvent: ObserveEvent;
  watch?: Watch | undefined;
  /** Whether its dead letters come back to it. */
  isRing(subscription: Subscription): boolean;
  /** How long a message waits before it comes back that way; 1 s if absent. */
  ringPauseMs?: number | undefined;
  log: Logger;
}

/** A message that is to be delivered. */
export interface Routed {
  message: TopicMessage;
  event: Event;
  /** As the app knows it. */
  topic: string;
  path: string;
}

export type Delivery = ReturnType<typeof createDelivery>;

export function createDelivery({
  inbound,
  onEvent,
  watch,
  isRing,
  ringPauseMs = 1000,
  log,
}: DeliveryOptions) {
  /** Messages that nobody can be given, however often they come. */
  const told = new WeakSet<TopicMessage>();
  /** It finds the policies of its component once, and not for each message. */
  const runs = new WeakMap<NamedPubSub, Run>();
  function runOf(named: NamedPubSub): Run {
    let run = runs.get(named);
    if (!run) runs.set(named, (run = inbound(named.name)));
    return run;
  }

  /** Undefined, and counted, if nobody is to get it. Throws if that can't be told. */
  function route(
    named: NamedPubSub,
    { options: { subscription, findPath } }: Taker,
    message: TopicMessage,
  ): Routed | undefined {
    const { name, namespacePrefix } = named;
    const topic = withoutPrefix(message.topic, namespacePrefix);
    const where = `in pubsub ${name} and topic ${topic}`;
    const event = because(`error deserializing cloud event ${where}`, () =>
      readEvent(message, {
        pubsub: name,
        topic,
        isRaw: isRawPayload(subscription.metadata),
      }),
    );
    const { id, expiration } = event.cloudEvent;
    if (isExpired(event.cloudEvent)) {
      log.warn(
        `dropping expired pub/sub event ${id === undefined ? "without an id" : String(id)} as of ${String(expiration)} ${where}`,
      );
      count(named, message, "drop");
      return undefined;
    }
    const path = because(
      `error finding matching route for event ${String(id)} ${where}`,
      () => findPath(event.cloudEvent),
    );
    if (path !== undefined) return { message, event, topic, path };
    log.debug(`no matching route for event ${String(id)} ${where}; skipping`);
    count(named, message, "drop", "success");
    return undefined;
  }

  /** Tries as the policy says. While nobody is there, nothing fails and the policy is not asked. */
  async function tried<T>(
    named: NamedPubSub,
    { options, leaving }: Taker,
    attempt: (limit?: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const tryOnce = () =>
      runUnlessAway(
        runOf(named),
        async (limit) => {
          if (leaving.aborted) throw new DeliveryInterrupted("nobody takes it");
          return attempt(limit);
        },
        leaving,
      );
    return options.hold ? options.hold(tryOnce, leaving) : tryOnce();
  }

  /** What becomes of a message. Rejects if it has to come again. */
  async function settle(
    named: NamedPubSub,
    { options: { subscription }, leaving }: Taker,
    message: TopicMessage,
    outcome: EventOutcome | Error,
  ): Promise<void> {
    if (outcome === "success" || outcome === "ignore") return;
    const { deadLetterTopic } = subscription;
    const isError = outcome instanceof Error;
    // At the end of a subscription nothing is given up.
    if (isError && (outcome instanceof DeliveryInterrupted || leaving.aborted))
      throw outcome instanceof DeliveryInterrupted
        ? outcome
        : new DeliveryInterrupted(messageOf(outcome), { cause: outcome });
    if (!deadLetterTopic) {
      if (isError) throw outcome;
      return;
    }
    if (isRing(subscription) && !(await pause(ringPauseMs, leaving)))
      throw new DeliveryInterrupted("nobody takes it any more");
    try {
      await sendToDeadLetter(named, deadLetterTopic, message);
    } catch (error) {
      log.error(messageOf(error));
      throw isError ? outcome : error;
    }
    if (!isError) return;
    log.warn(
      `a message of topic ${message.topic} of pubsub ${named.name} is in the dead-letter topic ${deadLetterTopic}: ${messageOf(outcome)}`,
    );
    count(named, message, "drop");
  }

  function count(
    { name, namespacePrefix }: NamedPubSub,
    { topic }: TopicMessage,
    outcome: EventResult,
    status = outcome,
    ms = 0,
  ) {
    onEvent(name, withoutPrefix(topic, namespacePrefix), outcome, status, ms);
  }

  async function deliverTo(
    taker: Taker,
    named: NamedPubSub,
    message: TopicMessage,
  ): Promise<void> {
    const outcome = await attempted(taker, named, message).catch(
      (error: Error) => error,
    );
    await settle(named, taker, message, outcome);
  }

  async function attempted(
    taker: Taker,
    named: NamedPubSub,
    message: TopicMessage,
  ): Promise<EventOutcome> {
    const routed = routedOrCounted(named, taker, message);
    if (!routed) return "drop";
    const { topic, path, event } = routed;
    const toApp = {
      pubsub: named.name,
      topic,
      path,
      envelope: event.envelope,
      parsed: (): CloudEvent => event.cloudEvent,
      metadata: message.metadata,
    };
    return tried(named, taker, async (limit) => {
      const started = performance.now();
      const seen = watch?.isOn ? watchEvent(watch, toApp) : undefined;
      const tell = (outcome: EventResult, status: EventResult) =>
        count(named, message, outcome, status, performance.now() - started);
      try {
        const outcome = await taker.options.deliver(
          toApp,
          limit,
          seen?.onAnswer,
        );
        tell(
          outcome === "success" ? "success" : "drop",
          outcome === "ignore" ? "drop" : "success",
        );
        seen?.end(resultOf(outcome));
        return outcome;
      } catch (error) {
        if (!(error instanceof DeliveryInterrupted))
          seen?.end(resultOf(error as Error));
        if (!isAway(error) && !(error instanceof DeliveryInterrupted))
          tell("retry", "retry");
        throw error;
      }
    });
  }

  /** {@link route}, with what fails logged and counted. */
  function routedOrCounted(
    named: NamedPubSub,
    taker: Taker,
    message: TopicMessage,
  ): Routed | undefined {
    try {
      return route(named, taker, message);
    } catch (error) {
      if (!told.has(message)) log.error(messageOf(error));
      told.add(message);
      count(named, message, "retry");
      throw error;
    }
  }

  return {
    route: routedOrCounted,
    tried,
    settle,
    /** Hands a message to a taker. Rejects if it has to come again, with a DeliveryInterrupted if the taker hands it back. */
    deliver: deliverTo,
  };
}

/** What is thrown says what was being done. */
function because<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  }
}
