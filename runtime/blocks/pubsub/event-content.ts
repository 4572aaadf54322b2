/** What a publisher sent, as it goes into an envelope (docs/protocol/pubsub.md). Plain values: a big body is read in another thread. */
import { decode, encode } from "../../shared/json/go-json.ts";
import { maxDepth, scanJson } from "../../shared/json/scan-json.ts";
import { isCloudEventMessage } from "./cloud-event-message.ts";

/** JSON: its bytes as they were sent, or its text. */
export type Json = Uint8Array | string;

/** The data of an event that the block wraps. */
export interface EventData {
  name: "data" | "data_base64";
  data: Json;
}

/** A CloudEvent that the publisher made, by its attributes. */
export interface OwnCloudEvent {
  /** All bytes, of which those of `attributes` are parts. */
  data: Uint8Array;
  attributes: Map<string, Json>;
}

/** What is sent as a CloudEvent and is none. */
export interface NoCloudEvent {
  problem: string;
}

export type EventContent = EventData | OwnCloudEvent | NoCloudEvent;

/** Which content has JSON that must be read. */
export const isJson = (contentType: string) =>
  isType(contentType, "application/json");
export const isCloudEvent = (contentType: string) =>
  isType(contentType, "application/cloudevents+json");

export function contentOf(
  contentType: string,
  bytes: Uint8Array,
): EventContent {
  if (isJson(contentType)) return readJson(bytes);
  if (isCloudEvent(contentType)) return readCloudEvent(bytes);
  return isBinary(contentType, bytes)
    ? { name: "data_base64", data: `"${bufferOf(bytes).toString("base64")}"` }
    : { name: "data", data: textData(bytes) };
}

/** What is no JSON becomes a text. */
export function readJson(bytes: Uint8Array): EventData {
  // The envelope is a level of its own, and has to be readable.
  const found = scanJson(bytes, undefined, maxDepth - 1);
  if (typeof found === "number") return { name: "data", data: textData(bytes) };
  const value = bytes.subarray(found.start, found.end);
  // The original writes what is no Unicode as U+FFFD.
  return { name: "data", data: found.isSound ? value : encode(decode(value)) };
}

/** No event has as many; sorting them would hold up everybody else. */
const mostAttributes = 1000;

export function readCloudEvent(
  bytes: Uint8Array,
): OwnCloudEvent | NoCloudEvent {
  if (bytes.length === 0) return { problem: "EOF" };
  const places: number[] = [];
  const found = scanJson(bytes, (...place) => {
    if (places.length <= mostAttributes * 4) places.push(...place);
  });
  if (typeof found === "number")
    return {
      problem:
        found >= bytes.length
          ? "unexpected end of JSON input"
          : `invalid character ${JSON.stringify(String.fromCharCode(bytes[found]!))} at byte ${found}`,
    };
  const kind = kinds[String.fromCharCode(bytes[found.start]!)] ?? "number";
  if (kind !== "object")
    return {
      problem: `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
    };
  if (places.length > mostAttributes * 4)
    return { problem: `it has more than ${mostAttributes} attributes` };
  const attributes = new Map<string, Json>();
  for (let i = 0; i < places.length; i += 4) {
    const name = decode(bytes.subarray(places[i]!, places[i + 1]!)) as string;
    const value = bytes.subarray(places[i + 2]!, places[i + 3]!);
    attributes.set(name, found.isSound ? value : encode(decode(value)));
  }
  return { data: bytes, attributes };
}

/** By the first character of a value. */
const kinds: Record<string, string> = {
  "{": "object",
  "[": "array",
  '"': "string",
  t: "bool",
  f: "bool",
  n: "null",
};

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

const textData = (bytes: Uint8Array) =>
  encode(bufferOf(bytes).toString("utf8"));

function isBinary(contentType: string, bytes: Uint8Array): boolean {
  return (
    isType(contentType, "application/octet-stream") ||
    isType(contentType, "application/cloudevents+protobuf") ||
    (isType(contentType, "application/x-protobuf") &&
      isCloudEventMessage(bytes))
  );
}

/** As the original compares: in any case, up to the first semicolon, spaces included. */
export function isType(contentType: string, type: string): boolean {
  if (contentType === type) return true;
  if (contentType.length < type.length) return false;
  const semicolon = contentType.indexOf(";");
  return (
    (semicolon < 0
      ? contentType
      : contentType.slice(0, semicolon)
    ).toLowerCase() === type
  );
}
