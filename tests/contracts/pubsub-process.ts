/**
 * A program with one message bus, so that a test can kill it, or see that it ends by itself:
 * `node pubsub-process.ts '{"type":…,"metadata":…,"topic":…,"role":"read"|"write"|"once"}'`.
 * It prints `ready`, once it has subscribed, then `got TEXT` for each message read or `acked TEXT` for each one stored.
 */
import type { PubSub } from "../../runtime/contracts/pubsub.ts";
import { openPubSub } from "./open-component.ts";

export interface PubSubTask {
  type: string;
  metadata: Record<string, string>;
  topic: string;
  /** Read and write: until standard input closes. Once: publishes a message, gets it, closes, and has nothing more to do. */
  role: "read" | "write" | "once";
  /** How many messages to take (absent: all). The next one is never answered. */
  take?: number;
  /** Write: publishes `PREFIX-CALLER:0`, `PREFIX-CALLER:1` …, from so many callers at once, each with a key of its own. */
  prefix?: string;
  callers?: number;
}

/** Resolves once it is written: what a process prints as it is killed may be lost, so a message is not taken before. */
const print = (line: string) =>
  new Promise<void>((resolve) =>
    process.stdout.write(`${line}\n`, () => resolve()),
  );

async function main(task: PubSubTask) {
  const { type, metadata, topic, role, take } = task;
  const log: string[] = [];
  const bus = await openPubSub(type, { metadata, log });
  const ended = () =>
    new Promise<void>((resolve) => process.stdin.on("end", resolve).resume());
  if (role === "write") {
    print("ready");
    await write(bus, task, ended());
    return bus.close();
  }
  let left = take ?? Infinity;
  const { promise: first, resolve: isHere } = Promise.withResolvers<void>();
  await bus.subscribe({ topic, metadata: {} }, async ({ data }) => {
    await print(`got ${Buffer.from(data).toString()}`);
    isHere();
    if (left-- <= 0) await new Promise<never>(() => {});
  });
  await print("ready");
  if (role === "once") {
    await bus.publish({
      topic,
      data: Buffer.from("x"),
      contentType: "text/plain",
      metadata: {},
    });
    await first;
  } else await ended();
  await bus.close();
  await print("closed");
}

async function write(
  bus: PubSub,
  { topic, prefix, callers = 1 }: PubSubTask,
  ended: Promise<void>,
): Promise<void> {
  let isGoing = true;
  void ended.then(() => (isGoing = false));
  const call = async (_: unknown, caller: number) => {
    const key = `${prefix}-${caller}`;
    for (let n = 0; isGoing; n++) {
      await bus.publish({
        topic,
        data: Buffer.from(`${key}:${n}`),
        contentType: "text/plain",
        metadata: { partitionKey: key },
      });
      print(`acked ${key}:${n}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
}

await main(JSON.parse(process.argv[2]!) as PubSubTask);
