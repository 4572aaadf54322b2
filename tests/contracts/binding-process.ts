/**
 * A program with one binding, so that a test can kill it:
 * `node binding-process.ts '{"type":…,"metadata":…,"role":"read"|"write",…}'`.
 * It prints `ready`, then `got TEXT` for each message read or `acked TEXT` for each
 * message stored. It ends cleanly when its standard input closes.
 */
import { openBinding } from "./open-component.ts";

export interface ProcessTask {
  type: string;
  metadata: Record<string, string>;
  role: "read" | "write";
  /** Read: how many messages to take (absent: all). The next one is never answered. */
  take?: number;
  /** Read: how long each message takes. */
  delayMs?: number;
  /** Write: sends `PREFIX-0`, `PREFIX-1` … without end, from so many callers at once, each with a key of its own. */
  prefix?: string;
  callers?: number;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

async function main(task: ProcessTask): Promise<void> {
  const binding = await openBinding(task.type, task);
  const ended = new Promise<void>((resolve) => {
    process.stdin.on("end", resolve).resume();
  });
  if (task.role === "read") {
    let left = task.take ?? Infinity;
    const stop = await binding.read!(async ({ data }) => {
      print(`got ${Buffer.from(data).toString()}`);
      if (left-- <= 0) await new Promise<never>(() => {});
      if (task.delayMs)
        await new Promise((resolve) => setTimeout(resolve, task.delayMs));
      return undefined;
    });
    print("ready");
    await ended;
    await stop();
  } else {
    print("ready");
    await write(binding, task, ended);
  }
  await binding.close();
}

async function write(
  binding: Awaited<ReturnType<typeof openBinding>>,
  task: ProcessTask,
  ended: Promise<void>,
): Promise<void> {
  let going = true;
  let next = 0;
  void ended.then(() => (going = false));
  const caller = async (_: unknown, index: number) => {
    while (going) {
      const text = `${task.prefix}-${next++}`;
      await binding.invoke!({
        operation: "create",
        data: Buffer.from(text),
        metadata: { partitionKey: `${task.prefix}${index}` },
      });
      print(`acked ${text}`);
    }
  };
  await Promise.all(Array.from({ length: task.callers ?? 1 }, caller));
}

await main(JSON.parse(process.argv[2]!) as ProcessTask);
