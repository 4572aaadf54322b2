/** What tests do with a message bus. */
import { randomUUID } from "node:crypto";
import type {
  Handle,
  PubSub,
  TopicMessage,
} from "../../runtime/contracts/pubsub.ts";
import { text } from "./contract-harness.ts";

/** A topic that no test has used. */
export const newTopic = (name = "orders") =>
  `${name}-${randomUUID().slice(0, 8)}`;

export const publish = (
  bus: PubSub,
  topic: string,
  data: string | Uint8Array,
  metadata: Record<string, string> = {},
  contentType = "text/plain",
) => bus.publish({ topic, data: Buffer.from(data), contentType, metadata });

/** Collects what arrives. `subscribe` gives the handler to the bus. */
export async function collectBy<Stop>(
  subscribe: (handle: Handle) => Promise<Stop>,
) {
  const messages: TopicMessage[] = [];
  const stop = await subscribe(async (message) => void messages.push(message));
  return { messages, stop, seen: () => messages.map(text) };
}

export const collect = (
  bus: PubSub,
  topic: string,
  metadata: Record<string, string> = {},
) => collectBy((handle) => bus.subscribe({ topic, metadata }, handle));
