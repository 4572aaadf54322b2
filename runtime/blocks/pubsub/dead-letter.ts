/** Where a message goes that nobody takes: it keeps its bytes and its metadata. */
import type { Call } from "../../contracts/call.ts";
import type { TopicMessage } from "../../contracts/pubsub.ts";
import { unlessAborted } from "../../shared/unless-aborted.ts";
import type { NamedPubSub } from "./pubsub.ts";

/** A broker that hangs must not hold up a partition. */
const limitMs = 30_000;

/** Rejects, with both topics, if the broker did not store it there. */
export async function sendToDeadLetter(
  { name, pubsub, scopes, namespacePrefix, explain }: NamedPubSub,
  topic: string,
  { data, metadata, contentType = "", topic: origin }: TopicMessage,
): Promise<void> {
  try {
    if (!scopes.mayPublish(topic))
      throw new Error(
        `the app may not publish to it: look at the scopes of component ${name}`,
      );
    const signal = AbortSignal.timeout(limitMs);
    const call: Call = { door: "grpc", signal: () => signal };
    await unlessAborted(
      pubsub.publish(
        {
          topic: `${namespacePrefix}${topic}`,
          data,
          contentType,
          metadata: { ...metadata, pubsubName: name },
        },
        call,
      ),
      signal,
    );
  } catch (error) {
    throw new Error(
      `error sending message to dead letter, origin topic: ${origin} dead letter topic ${topic} err: ${explain(error)}`,
      { cause: error },
    );
  }
}
