/** Publishes a backlog of numbered orders quickly, in bulks. */
import type { TopicFlow } from "./topic-flow.ts";
import { keys } from "./topic-flow.ts";

const perBulk = 1000;

export async function publishBacklog(
  { publisher, topic }: TopicFlow,
  count: number,
): Promise<void> {
  for (let first = 0; first < count; first += perBulk) {
    const entries = Array.from({ length: perBulk }, (_, at) => ({
      entryId: `${at}`,
      event: { order: first + at },
      contentType: "application/json",
      metadata: { partitionKey: `key-${(first + at) % keys}` },
    }));
    const { status, text } = await publisher.call(
      "POST",
      `/v1.0-alpha1/publish/bulk/bus/${topic}`,
      {
        body: JSON.stringify(entries),
        headers: { "content-type": "application/json" },
      },
    );
    if (status !== 204) throw new Error(`the bulk got ${status}: ${text}`);
  }
}
