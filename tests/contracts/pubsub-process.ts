/**
 * A program with one message bus, so that a test can kill it, or see that it ends by itself:
 * `node pubsub-process.ts '{"type":…,"metadata":…,"topic":…,"role":"read"|"once"}'`.
 * It prints `ready` once it has subscribed, then `got TEXT` for each message.
 */
import { openPubSub } from "./open-component.ts";

export interface PubSubTask {
  type: string;
  metadata: Record<string, string>;
  topic: string;
  /** Read: until standard input closes. Once: publishes a message, gets it, closes, and has nothing more to do. */
  role: "read" | "once";
  /** How many messages to take (absent: all). The next one is never answered. */
  take?: number;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

async function main({ type, metadata, topic, role, take }: PubSubTask) {
  const log: string[] = [];
  const bus = await openPubSub(type, { metadata, log });
  let left = take ?? Infinity;
  const { promise: first, resolve: isHere } = Promise.withResolvers<void>();
  await bus.subscribe({ topic, metadata: {} }, async ({ data }) => {
    print(`got ${Buffer.from(data).toString()}`);
    isHere();
    if (left-- <= 0) await new Promise<never>(() => {});
  });
  print("ready");
  if (role === "once") {
    await bus.publish({
      topic,
      data: Buffer.from("x"),
      contentType: "text/plain",
      metadata: {},
    });
    await first;
  } else
    await new Promise((resolve) => process.stdin.on("end", resolve).resume());
  await bus.close();
  print("closed");
}

await main(JSON.parse(process.argv[2]!) as PubSubTask);
