/** The bodies that may be big: how each kind is parsed, and what a bad one is called. */
import { readCloudEvent, readJson } from "../../blocks/pubsub/event-content.ts";
import type { ErrorName } from "../../contracts/errors.ts";
import { parseBody } from "./binding-body.ts";
import { parsePublish } from "./publish-body.ts";
import { parseBulk, parseSave, parseTransaction } from "./state-body.ts";

interface BodyKindOf<T> {
  /** Throws an ApiError. */
  parse(bytes: Uint8Array): T;
  /** The error of a body that can't be taken as a whole. */
  malformed: ErrorName;
}

const kind = <T>(
  malformed: ErrorName,
  parse: BodyKindOf<T>["parse"],
): BodyKindOf<T> => ({ parse, malformed });

export const bodyKinds = {
  binding: kind("malformedBody", parseBody),
  save: kind("malformedRequest", parseSave),
  bulk: kind("malformedBody", parseBulk),
  transaction: kind("malformedBody", parseTransaction),
  publish: kind("malformedRequest", parsePublish),
  eventJson: kind("malformedRequest", readJson),
  cloudEvent: kind("malformedRequest", readCloudEvent),
};

export type BodyKind = keyof typeof bodyKinds;
export type BodyOf<K extends BodyKind> = ReturnType<
  (typeof bodyKinds)[K]["parse"]
>;
