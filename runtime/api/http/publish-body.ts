/** The body of a bulk publish, read as the original reads it (docs/protocol/pubsub.md). */
import {
  isCloudEvent,
  isJson,
  isType,
} from "../../blocks/pubsub/event-content.ts";
import type { NewEntry } from "../../blocks/pubsub/outlet.ts";
import { ApiError } from "../../contracts/errors.ts";
import { decode, encode } from "../../shared/json/go-json.ts";
import { listOf, Members, said } from "./go-members.ts";

export interface PublishBody {
  entries: NewEntry[];
}

/** An array of entries; null is an empty one. Throws {@link ApiError} with what is wrong, and no words before it. */
export function parsePublish(bytes: Uint8Array): PublishBody {
  try {
    const list = listOf(decode(bytes), "[]http.bulkPublishMessageEntry");
    return { entries: list.map(entryOf) };
  } catch (error) {
    throw new ApiError("malformedRequest", [said(error)]);
  }
}

function entryOf(written: unknown): NewEntry {
  const members = new Members(written ?? {}, "http.bulkPublishMessageEntry");
  const contentType = members.text("contentType");
  const entry: NewEntry = {
    entryId: members.text("entryId"),
    contentType,
    ...eventOf(members.get("event") ?? null, contentType),
  };
  // Whether there are any, and be it none, decides whether it gets the request's too.
  if ((members.get("metadata") ?? null) !== null)
    entry.metadata = members.metadata();
  return entry;
}

const mismatch = {
  data: new Uint8Array(0),
  problem: "error: mismatch between contentType and event",
};

/** The event's bytes, by its content type. */
function eventOf(
  event: unknown,
  contentType: string,
): Pick<NewEntry, "data" | "problem"> {
  if (isType(contentType, "application/octet-stream")) {
    if (typeof event !== "string") return mismatch;
    const data = Buffer.from(event, "base64");
    // Node takes any text for base64.
    return isBase64(event)
      ? { data }
      : {
          ...mismatch,
          problem:
            "error: unable to decode base64 application/octect-stream data",
        };
  }
  if (isText(contentType))
    return typeof event === "string" ? { data: Buffer.from(event) } : mismatch;
  return isJson(contentType) || isCloudEvent(contentType)
    ? { data: Buffer.from(encode(event)) }
    : mismatch;
}

/** Line ends are passed over, as in Go. */
const isBase64 = (text: string): boolean => {
  const plain = text.replace(/[\r\n]/g, "");
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
};

const isText = (contentType: string) =>
  /^text\//i.test(contentType) || isType(contentType, "application/xml");
