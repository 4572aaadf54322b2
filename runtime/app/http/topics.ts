/** Topics over HTTP: the app is asked by `GET /dapr/subscribe`, and gets each event by `POST <path>` (docs/protocol/pubsub.md). */
import { DeliveryError } from "../../contracts/delivery.ts";
import { outcomeOf, outcomesOf } from "../../contracts/event-answer.ts";
import type {
  BulkEvents,
  CloudEvent,
  EventOutcome,
  TopicChannel,
} from "../../contracts/subscription.ts";
import { decodeFirst, encode } from "../../shared/json/go-json.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { readTrace } from "../../shared/trace-context.ts";
import { deliveryHeaders } from "./delivery-headers.ts";
import { routePath } from "./route-path.ts";
import { askMs } from "../time-limit.ts";
import type { AppReply, Send } from "./delivery.ts";
import { readSubscriptions } from "./subscribe-answer.ts";

const subscribePath = "/dapr/subscribe";
const bulkType = "com.dapr.event.sent.bulk";

export function createTopics(
  send: Send,
  appId: string,
  log: Logger,
): TopicChannel {
  const warned = new Set<string>();

  /** The broker's content type is that of the message, not of the request. */
  function headersOf(
    { pubsub, topic }: { pubsub: string; topic: string },
    metadata: Record<string, string>,
    contentType: string,
    more: Record<string, string> = {},
  ): Record<string, string> {
    const headers = deliveryHeaders(metadata, nothing, (header) => {
      const key = `${pubsub} ${topic} ${header}`;
      if (warned.has(key) || warned.size > 1000) return;
      warned.add(key);
      log.warn(
        `topic ${topic} of pubsub ${pubsub}: header ${JSON.stringify(header)} can't be sent over HTTP and is left out`,
      );
    });
    return {
      ...headers,
      pubsubname: pubsub,
      ...more,
      "content-type": contentType,
    };
  }

  return {
    async subscriptions(onAnswer) {
      const { status, body } = await send("GET", subscribePath, {
        headers: { "dapr-app-id": appId, "content-type": "application/json" },
        timeoutMs: askMs,
      });
      onAnswer?.(status, body);
      if (status === 404) return [];
      if (status === 200) return readSubscriptions(body, log);
      log.error(
        `app returned http status code ${status} from subscription endpoint (GET ${subscribePath}): it has no subscriptions of its own; let it answer 200 and a JSON list, or 404`,
      );
      return [];
    },

    async deliverEvent(event, onAnswer, limit) {
      const { pubsub, topic, path, envelope, metadata } = event;
      const cloudEvent = event.parsed();
      const id = String(cloudEvent["id"]);
      const reply = await send("POST", routePath(path), {
        body: envelope,
        headers: headersOf(
          { pubsub, topic },
          metadata,
          "application/cloudevents+json",
          traceHeaders(cloudEvent),
        ),
        signal: limit,
      });
      const { status } = reply;
      onAnswer?.(status, reply.body);
      if (isSuccess(status)) return outcomeOf(statusIn(reply), id, log);
      const body = textOf(reply);
      if (status !== 404)
        throw new DeliveryError(
          `retriable error returned from app while processing pub/sub event ${id}, topic: ${topic}, body: ${body}. status code returned: ${status}`,
          status,
        );
      log.error(
        `non-retriable error returned from app while processing pub/sub event ${id}: ${body}. status code returned: 404 (POST ${routePath(path)})`,
      );
      return "drop";
    },

    async deliverEvents(events, onAnswer, limit) {
      const { pubsub, topic, path, metadata, entries } = events;
      const reply = await send("POST", routePath(path), {
        body: bulkBody(events),
        headers: headersOf({ pubsub, topic }, metadata, "application/json"),
        signal: limit,
      });
      const { status } = reply;
      onAnswer?.(status, reply.body);
      if (isSuccess(status)) return outcomesOf(entries, statusesIn(reply), log);
      if (status !== 404)
        throw new DeliveryError(
          `Retriable error returned from app while processing bulk pub/sub event, topic: ${topic}. status code returned: ${status}, body: ${textOf(reply)}`,
          status,
        );
      log.error(
        `Non-retriable error returned from app while processing bulk pub/sub event. status code returned: 404 (POST ${routePath(path)})`,
      );
      return entries.map((): EventOutcome => "ignore");
    },
  };
}

const nothing = new Uint8Array(0);

const isSuccess = (status: number) => status >= 200 && status < 300;

const textOf = ({ body }: AppReply) =>
  Buffer.from(body).toString("utf8", 0, 1024);

/** The trace that the event belongs to, in the headers that a tracing app looks at. */
function traceHeaders(event: CloudEvent): Record<string, string> {
  const text = (name: string) => {
    const value = event[name];
    return typeof value === "string" ? value : undefined;
  };
  const trace = readTrace(
    text("traceparent") ?? text("traceid"),
    text("tracestate"),
  );
  if (!trace) return {};
  const { traceparent, tracestate } = trace;
  return { traceparent, ...(tracestate ? { tracestate } : {}) };
}

/** Empty where the answer has none, or is no JSON. */
function statusIn({ body }: AppReply): string {
  if (body.length === 0) return "";
  try {
    return textMember(decodeFirst(body), "status") ?? "";
  } catch {
    return "";
  }
}

/** By entry ID. Throws a DeliveryError for what is no answer to a bulk. */
function statusesIn({ body, status }: AppReply): Map<string, string> {
  let answer: unknown;
  try {
    answer = decodeFirst(body);
  } catch (error) {
    throw new DeliveryError(
      `failed unmarshalling app response for bulk subscribe: ${messageOf(error)}; it has to be {"statuses":[{"entryId":…,"status":…}]}`,
      status,
    );
  }
  const list = member(answer, "statuses");
  return new Map(
    (Array.isArray(list) ? list : []).flatMap((entry): [string, string][] => {
      const id = textMember(entry, "entryId");
      return id === undefined ? [] : [[id, textMember(entry, "status") ?? ""]];
    }),
  );
}

/** As Go finds it: whatever the case of its name. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const found = Object.entries(value).findLast(
    ([key]) => key.toLowerCase() === name.toLowerCase(),
  );
  return found?.[1];
}

function textMember(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === "string" ? found : undefined;
}

/** Envelopes go in as they came. */
function bulkBody({
  id,
  pubsub,
  topic,
  metadata,
  entries,
}: BulkEvents): Buffer {
  const parts: Uint8Array[] = [];
  const add = (text: string) => parts.push(Buffer.from(text));
  add('{"entries":[');
  for (const [
    i,
    { entryId, event, contentType, metadata },
  ] of entries.entries()) {
    add(
      `${i > 0 ? "," : ""}{"contentType":${encode(contentType)},"entryId":${encode(entryId)},"event":`,
    );
    if ("raw" in event) add(encode(Buffer.from(event.raw).toString("base64")));
    else parts.push(event.envelope);
    add(`,"metadata":${encode(metadata)}}`);
  }
  add(
    `],"id":${encode(id)},"metadata":${encode({ ...metadata, pubsubName: pubsub })},"pubsubname":${encode(pubsub)},"topic":${encode(topic)},"type":${encode(bulkType)}}`,
  );
  return Buffer.concat(parts);
}
