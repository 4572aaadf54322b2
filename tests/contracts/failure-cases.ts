/** The binding contract when the app refuses a message, a reader stops or its process dies. */
import type { Message } from "../../runtime/contracts/delivery.ts";
import { text } from "./contract-harness.ts";
import type { Harness } from "./contract-harness.ts";

export function failureCases({
  check,
  open,
  read,
  collect,
  send,
  sendAll,
  until,
  startReader,
  setup,
}: Harness): void {
  check(
    "a message that the app refuses comes again until it is taken, and the others follow in order",
    async () => {
      const binding = await open();
      const all = Array.from({ length: 20 }, (_, n) => `m${n}`);
      await sendAll(binding, all);
      const tries: string[] = [];
      const taken: string[] = [];
      let refusals = 3;
      await read(binding, async (message) => {
        tries.push(text(message));
        if (text(message) === "m7" && refusals-- > 0)
          throw new Error("not now");
        taken.push(text(message));
        return undefined;
      });
      await until("twenty messages", () => taken.length >= 20);
      expect(taken).toEqual(all);
      expect(tries.filter((data) => data === "m7")).toHaveLength(4);
    },
  );

  check(
    "after its retries a refused message goes to the dead-letter topic",
    async () => {
      const deadLetterTopic = `${setup().metadata["topics"]}-dead`;
      const binding = await open({
        deadLetterTopic,
        backOffPolicy: "constant",
        backOffDuration: "20ms",
        backOffMaxRetries: "2",
      });
      await send(binding, "bad", { partitionKey: "k", colour: "blue" });
      await send(binding, "good", { partitionKey: "k" });
      const tries: string[] = [];
      await read(binding, async (message) => {
        tries.push(text(message));
        if (text(message) === "bad") throw new Error("cannot be read");
        return undefined;
      });
      await until("the good message", () => tries.includes("good"));
      expect(tries).toEqual(["bad", "bad", "bad", "good"]);
      const dead = await open({
        topics: deadLetterTopic,
        consumerGroup: `${deadLetterTopic}-readers`,
      });
      const letters: Message[] = [];
      await read(
        dead,
        async (message) => void letters.push(message) as undefined,
      );
      await until("the dead letter", () => letters.length === 1);
      expect(text(letters[0]!)).toBe("bad");
      expect(letters[0]!.metadata).toMatchObject({
        __key: "k",
        colour: "blue",
        "dead-letter-topic": setup().metadata["topics"],
        "dead-letter-tries": "3",
        "dead-letter-error": expect.stringContaining("cannot be read"),
      });
    },
  );

  check(
    'consumeRetryEnabled "false" skips a refused message for good',
    async () => {
      const binding = await open({ consumeRetryEnabled: "false" });
      await sendAll(binding, ["bad", "good"]);
      const tries: string[] = [];
      const stop = await read(binding, async (message) => {
        tries.push(text(message));
        if (text(message) === "bad") throw new Error("no");
        return undefined;
      });
      await until("the good message", () => tries.includes("good"));
      await stop();
      const { seen } = await collect(binding);
      await sendAll(binding, ["later"]);
      await until("the later message", () => seen.includes("later"));
      expect(tries).toEqual(["bad", "good"]);
      expect(seen).toEqual(["later"]);
    },
  );

  check(
    "stopping waits for messages in flight and keeps the rest for later",
    async () => {
      const binding = await open();
      await sendAll(binding, ["a", "b", "c"]);
      const started: string[] = [];
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      const stop = await read(binding, async (message) => {
        started.push(text(message));
        await held;
        return undefined;
      });
      await until("the first message", () => started.length === 1);
      let stopped = false;
      const stopping = stop().then(() => (stopped = true));
      await new Promise((resolve) => setImmediate(resolve));
      expect(stopped).toBe(false);
      release();
      await stopping;
      expect(started).toEqual(["a"]);
      const { seen } = await collect(binding);
      await until("the rest", () => seen.length >= 2);
      expect(seen).toEqual(["b", "c"]);
    },
  );

  check(
    "a refused message is still there after stop and comes first again",
    async () => {
      const binding = await open();
      await sendAll(binding, ["a", "b"]);
      const tries: string[] = [];
      const stop = await read(binding, async (message) => {
        tries.push(text(message));
        throw new Error("no");
      });
      await until("a try", () => tries.length > 0);
      await stop();
      expect(new Set(tries)).toEqual(new Set(["a"]));
      const { seen } = await collect(binding);
      await until("both", () => seen.length >= 2);
      expect(seen).toEqual(["a", "b"]);
    },
  );

  check(
    "after a restart, reading goes on after the last message taken",
    async () => {
      const first = await open();
      await sendAll(first, ["a", "b", "c"]);
      const early = await collect(first);
      await until("three messages", () => early.seen.length === 3);
      await early.stop();
      await first.close();
      const second = await open();
      await sendAll(second, ["d", "e"]);
      const late = await collect(second);
      await until("two messages", () => late.seen.length >= 2);
      expect(late.seen).toEqual(["d", "e"]);
    },
  );

  check(
    "messages that a killed process had not acknowledged come again, in order",
    async () => {
      const binding = await open();
      const all = Array.from({ length: 10 }, (_, n) => `m${n}`);
      const victim = startReader({ take: 4 });
      await until("the reader", () => victim.lines.includes("ready"));
      await sendAll(binding, all);
      await until("the fifth message", () => victim.got().length === 5);
      expect(victim.got()).toEqual(all.slice(0, 5));
      await victim.kill();
      const { seen } = await collect(binding);
      await until("the last message", () => seen.includes("m9"));
      expect(seen).toEqual(all.slice(all.indexOf(seen[0]!)));
      expect(all.indexOf(seen[0]!)).toBeLessThanOrEqual(4);
    },
  );
}
