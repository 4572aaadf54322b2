/**
 * CloudEvents as they are stored: keys sorted, the publisher's JSON in it byte for byte
 * (docs/protocol/pubsub.md). Written as text and not by way of an object, since every publish passes here.
 */
import { randomUUID } from "node:crypto";
import { encode } from "../../shared/json/go-json.ts";
import type { Trace } from "../../shared/trace-context.ts";
import type { EventData, Json } from "./event-content.ts";
import type { Overrides } from "./overrides.ts";
import { localTime, utcTime } from "./rfc3339.ts";

/** What the sidecar says of an event. */
export interface EventFacts {
  appId: string;
  pubsub: string;
  topic: string;
  trace: Trace | undefined;
  /** Until when it is worth something; undefined if for ever, or if the broker sees to it. */
  expiresMs: number | undefined;
}

/** An envelope around data. */
export function newEnvelope(
  { name, data }: EventData,
  contentType: string,
  overrides: Overrides,
  { appId, pubsub, topic, trace, expiresMs }: EventFacts,
): Buffer {
  const { id, source = appId, type, subject } = overrides;
  const traceparent = quoted(
    overrides.traceparent || (overrides.traceid ?? trace?.traceparent ?? ""),
  );
  const tracestate = quoted(overrides.tracestate ?? trace?.tracestate ?? "");
  const head = `{"${name}":`;
  const tail =
    `,"datacontenttype":${quoted(contentType || "text/plain")}` +
    (expiresMs === undefined ? "" : `,"expiration":"${utcTime(expiresMs)}"`) +
    `,"id":${id ? quoted(id) : `"${randomUUID()}"`}` +
    `,"pubsubname":${quoted(pubsub)},"source":${quoted(source || "Dapr")},"specversion":"1.0"` +
    (subject ? `,"subject":${quoted(subject)}` : "") +
    `,"time":"${localTime()}","topic":${quoted(topic)}` +
    `,"traceid":${traceparent},"traceparent":${traceparent},"tracestate":${tracestate}` +
    `,"type":${quoted(type || "com.dapr.event.sent")}}`;
  if (typeof data === "string") return Buffer.from(head + data + tail);
  const bytes = Buffer.allocUnsafe(
    head.length + data.length + Buffer.byteLength(tail),
  );
  bytes.write(head, 0, "latin1");
  bytes.set(data, head.length);
  bytes.write(tail, head.length + data.length, "utf8");
  return bytes;
}

/** An event that the publisher made, with what it lacks. */
export function completed(
  given: ReadonlyMap<string, Json>,
  { pubsub, topic, trace, expiresMs }: EventFacts,
): Buffer {
  const all = new Map(given);
  const setIfAbsent = (name: string, value: Json) => {
    if (!all.has(name)) all.set(name, value);
  };
  const setIfNull = (name: string, value: Json) => {
    const json = all.get(name);
    if (json === undefined || isNull(json)) all.set(name, value);
  };
  setIfAbsent("time", `"${localTime()}"`);
  const traceparent = quoted(trace?.traceparent ?? "");
  if (!all.has("traceid")) {
    // An own trace is kept, where the original writes its own over it.
    setIfAbsent("traceparent", traceparent);
    all.set("traceid", all.get("traceparent")!);
  }
  setIfAbsent("tracestate", quoted(trace?.tracestate ?? ""));
  all.set("topic", quoted(topic));
  all.set("pubsubname", quoted(pubsub));
  setIfNull("source", '"Dapr"');
  setIfNull("type", '"com.dapr.event.sent"');
  setIfNull("specversion", '"1.0"');
  if (expiresMs !== undefined) all.set("expiration", `"${utcTime(expiresMs)}"`);
  return written(all);
}

const isNull = (json: Json): boolean =>
  typeof json === "string" ? json === "null" : json[0] === 0x6e;

function written(attributes: ReadonlyMap<string, Json>): Buffer {
  const parts: Uint8Array[] = [];
  let text = "{";
  for (const name of [...attributes.keys()].sort()) {
    const json = attributes.get(name)!;
    text += `${text === "{" ? "" : ","}${quoted(name)}:`;
    if (typeof json === "string") text += json;
    else {
      parts.push(Buffer.from(text), json);
      text = "";
    }
  }
  parts.push(Buffer.from(`${text}}`));
  return Buffer.concat(parts);
}

/** As JSON. Most texts have nothing to escape. */
const quoted = (text: string): string =>
  /^[\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x5b\x5d-\x7e]*$/.test(text)
    ? `"${text}"`
    : encode(text);
