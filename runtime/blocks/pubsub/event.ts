/** What a broker delivered, as a CloudEvent (docs/protocol/pubsub.md). */
import { randomUUID } from "node:crypto";
import type { TopicMessage } from "../../contracts/pubsub.ts";
import type { CloudEvent } from "../../contracts/subscription.ts";
import { encode } from "../../shared/json/go-json.ts";

export interface Event {
  /** JSON: what came, if it was a CloudEvent as JSON. */
  envelope: Uint8Array;
  cloudEvent: CloudEvent;
}

interface Source {
  pubsub: string;
  /** As the app knows it. */
  topic: string;
  /** The subscription's `rawPayload`. */
  isRaw: boolean;
}

const defaultSource = "Dapr";
const defaultType = "com.dapr.event.sent";
const bytesType = "application/octet-stream";
const traceNames = ["traceid", "traceparent", "tracestate"];

/** Throws if a message that has to be JSON is none, or no object. */
export function readEvent(message: TopicMessage, source: Source): Event {
  if (source.isRaw) return wrapped(message, source);
  if (isBytes(message.contentType)) return ofBinaryMode(message, source);
  const { data } = message;
  const value: unknown = JSON.parse(
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8"),
  );
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("it is JSON but no object");
  return {
    envelope: data,
    cloudEvent: withTrace(value as CloudEvent, message.metadata),
  };
}

/** A time as RFC 3339 that is over. */
export function isExpired({ expiration }: CloudEvent): boolean {
  if (typeof expiration !== "string" || expiration === "") return false;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(expiration)) return false;
  return Date.parse(expiration) < Date.now();
}

const isBytes = (contentType = "") =>
  contentType.split(";", 1)[0]!.trim().toLowerCase() === bytesType;

function wrapped(
  { data, metadata }: TopicMessage,
  { pubsub, topic }: Source,
): Event {
  return made({
    id: randomUUID(),
    specversion: "1.0",
    datacontenttype: bytesType,
    source: defaultSource,
    type: defaultType,
    topic,
    pubsubname: pubsub,
    data_base64: base64Of(data),
    ...traceOf(metadata),
  });
}

/** The event's attributes are beside its data, each with `ce_` before its name. */
function ofBinaryMode(
  { data, metadata, contentType }: TopicMessage,
  { pubsub, topic }: Source,
): Event {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    const lower = name.toLowerCase();
    if (lower.startsWith("ce_")) attributes[lower.slice(3)] = value;
  }
  return made({
    id: randomUUID(),
    specversion: "1.0",
    source: defaultSource,
    type: defaultType,
    ...traceOf(metadata),
    topic,
    pubsubname: pubsub,
    ...attributes,
    datacontenttype: contentType,
    data_base64: base64Of(data),
  });
}

function made(cloudEvent: CloudEvent): Event {
  return { cloudEvent, envelope: Buffer.from(encode(cloudEvent)) };
}

const base64Of = (data: Uint8Array) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");

/** `traceparent` is the newer name, and counts for both. */
function traceOf(metadata: Record<string, string>): Record<string, string> {
  const trace: Record<string, string> = {};
  for (const name of traceNames)
    if (metadata[name] !== undefined) trace[name] = metadata[name];
  if (trace["traceparent"] !== undefined)
    trace["traceid"] = trace["traceparent"];
  return trace;
}

/** Where the event itself does not say of which trace it is, what the broker kept does. */
function withTrace(
  event: CloudEvent,
  metadata: Record<string, string>,
): CloudEvent {
  const lacks = traceNames.filter(
    (name) => !Object.hasOwn(event, name) && metadata[name] !== undefined,
  );
  return lacks.length === 0 ? event : { ...traceOf(metadata), ...event };
}
