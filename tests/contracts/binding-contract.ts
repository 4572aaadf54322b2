/**
 * What every queue-like binding promises, embedded or on a real server. A
 * binding's test adds only how to come by a fresh topic and group.
 */
import type {
  Binding,
  BindingMessage,
  Deliver,
  StopReading,
} from "../../runtime/contract.ts";
import { waitFor } from "../wait-for.ts";
import type { ProcessTask } from "./binding-process.ts";
import { openBinding } from "./open-binding.ts";
import { startProcess } from "./start-process.ts";

export interface ContractSetup {
  /** A fresh component that writes to and reads from one new topic of at least two partitions, oldest first, in a new group. */
  metadata: Record<string, string>;
  /** Metadata that `open` refuses, and what it says. */
  bad: { metadata: Record<string, string>; error: string | RegExp };
  dispose?(): Promise<void>;
}

export interface ContractOptions {
  /** How long one expected thing may take: the group's take-over time after a crash included. */
  waitMs: number;
}

const text = (message: BindingMessage) => Buffer.from(message.data).toString();

export function bindingContract(
  type: string,
  makeSetup: () => Promise<ContractSetup>,
  { waitMs }: ContractOptions,
): void {
  describe(`${type} keeps the binding contract:`, () => {
    let setup: ContractSetup;
    let cleanups: (() => Promise<unknown>)[] = [];

    beforeEach(async () => {
      setup = await makeSetup();
    }, waitMs);
    afterEach(async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
      cleanups = [];
      await setup.dispose?.();
    }, waitMs * 2);

    const open = async (extra: Record<string, string> = {}) => {
      const binding = await openBinding(type, {
        metadata: { ...setup.metadata, ...extra },
      });
      cleanups.push(() => binding.close());
      return binding;
    };
    const read = async (
      binding: Binding,
      deliver: Deliver,
    ): Promise<StopReading> => {
      const stop = await binding.read!(deliver);
      let stopped: Promise<void> | undefined;
      const once = () => (stopped ??= stop());
      cleanups.push(once);
      return once;
    };
    /** Collects what arrives, as text. */
    const collect = async (binding: Binding) => {
      const seen: string[] = [];
      const stop = await read(binding, async (message) => {
        seen.push(text(message));
        return undefined;
      });
      return { seen, stop };
    };
    const send = (
      binding: Binding,
      data: string,
      metadata: Record<string, string> = {},
    ) =>
      binding.invoke!({
        operation: "create",
        data: Buffer.from(data),
        metadata,
      });
    const sendAll = async (binding: Binding, all: string[], key = "one") => {
      for (const data of all) await send(binding, data, { partitionKey: key });
    };
    const until = (what: string, condition: () => unknown) =>
      waitFor(what, condition, waitMs);
    const process = (task: Partial<ProcessTask>) => {
      const child = startProcess({
        type,
        metadata: setup.metadata,
        role: "read",
        ...task,
      });
      cleanups.push(() => child.kill());
      return child;
    };
    const check = (name: string, run: () => Promise<void>) =>
      test(name, run, waitMs * 4);

    check(
      "what goes in by invoke comes out by read, bytes unchanged",
      async () => {
        const binding = await open();
        const bodies = [
          Buffer.from('{ "orderId": 1.50 }'),
          Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
          Buffer.alloc(300_000, "ü"),
        ];
        for (const data of bodies)
          await binding.invoke!({
            operation: "create",
            data,
            metadata: { partitionKey: "k" },
          });
        const seen: Buffer[] = [];
        await read(binding, async ({ data }) => {
          seen.push(Buffer.from(data));
          return undefined;
        });
        await until("three messages", () => seen.length === 3);
        expect(seen.map((body) => body.toString("base64"))).toEqual(
          bodies.map((body) => body.toString("base64")),
        );
      },
    );

    check(
      "key and metadata travel with the message, its place is added",
      async () => {
        const binding = await open();
        const before = Date.now();
        await send(binding, "x", {
          partitionKey: "order-7",
          colour: "blue, light",
        });
        await send(binding, "y", { __key: "order-7" });
        const seen: BindingMessage[] = [];
        await read(binding, async (message) => {
          seen.push(message);
          return undefined;
        });
        await until("two messages", () => seen.length === 2);
        const [x, y] = seen.map(({ metadata }) => metadata) as [
          Record<string, string>,
          Record<string, string>,
        ];
        expect(x).toMatchObject({
          __key: "order-7",
          __topic: setup.metadata["publishTopic"],
          partitionKey: "order-7",
          colour: "blue, light",
        });
        expect(Number(y["__offset"])).toBe(Number(x["__offset"]) + 1);
        expect(y["__partition"]).toBe(x["__partition"]);
        expect(y["__key"]).toBe("order-7");
        expect(Math.abs(Number(x["__timestamp"]) - before)).toBeLessThan(
          60_000,
        );
        for (const value of Object.values(x))
          expect(typeof value).toBe("string");
      },
    );

    check("a message without data arrives as null", async () => {
      const binding = await open();
      const { seen } = await collect(binding);
      await binding.invoke!({
        operation: "create",
        data: undefined,
        metadata: {},
      });
      await until("the message", () => seen.length === 1);
      expect(seen).toEqual(["null"]);
    });

    check("an operation other than create is refused by name", async () => {
      const binding = await open();
      expect(binding.operations).toEqual(["create"]);
      await expect(
        binding.invoke!({
          operation: "nope",
          data: Buffer.from("1"),
          metadata: {},
        }),
      ).rejects.toThrow(
        /does not support operation nope\. supported operations:create/,
      );
    });

    check(
      "a partition that does not exist is refused, one that exists is used",
      async () => {
        const binding = await open();
        await expect(
          send(binding, "x", { partitionNumber: "4711" }),
        ).rejects.toThrow("4711");
        await send(binding, "y", { partitionNumber: "1" });
        const seen: BindingMessage[] = [];
        await read(
          binding,
          async (message) => void seen.push(message) as undefined,
        );
        await until("the message", () => seen.length === 1);
        expect(seen[0]!.metadata["__partition"]).toBe("1");
      },
    );

    check("wrong metadata is refused by open", async () => {
      await expect(
        openBinding(type, { metadata: setup.bad.metadata }),
      ).rejects.toThrow(setup.bad.error);
    });

    check(
      "a message the app refuses comes again until it is taken, the others follow in order",
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
      "a refused message is given up as the user says, and goes to the dead-letter topic",
      async () => {
        const deadLetterTopic = `${setup.metadata["topics"]}-dead`;
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
        const letters: BindingMessage[] = [];
        await read(
          dead,
          async (message) => void letters.push(message) as undefined,
        );
        await until("the dead letter", () => letters.length === 1);
        expect(text(letters[0]!)).toBe("bad");
        expect(letters[0]!.metadata).toMatchObject({
          __key: "k",
          colour: "blue",
          "dead-letter-topic": setup.metadata["topics"],
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
      "stopping waits for what is in flight and keeps the rest for later",
      async () => {
        const binding = await open();
        await sendAll(binding, ["a", "b", "c"]);
        const started: string[] = [];
        const { promise: held, resolve: release } =
          Promise.withResolvers<void>();
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

    check("a restart goes on after the last message taken", async () => {
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
    });

    check(
      "what a killed process had not acknowledged comes again, in order",
      async () => {
        const binding = await open();
        const all = Array.from({ length: 10 }, (_, n) => `m${n}`);
        const victim = process({ take: 4 });
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

    check(
      "two readers of one group share the work: none lost, none at both at once",
      async () => {
        const inFlight = new Set<string>();
        const overlaps: string[] = [];
        const seenBy: string[][] = [[], []];
        const readers = [await open(), await open()];
        for (const [index, binding] of readers.entries())
          await read(binding, async (message) => {
            const data = text(message);
            if (inFlight.has(data)) overlaps.push(data);
            inFlight.add(data);
            await new Promise((resolve) => setImmediate(resolve));
            inFlight.delete(data);
            seenBy[index]!.push(data);
            return undefined;
          });
        let sent = 0;
        const sendOne = () =>
          send(readers[0]!, `n${sent++}`, { partitionKey: `k${sent % 50}` });
        await until("both readers at work", async () => {
          await sendOne();
          return seenBy.every((seen) => seen.length > 0);
        });
        const shared = sent;
        while (sent < shared + 300) await sendOne();
        await until("all messages", () => new Set(seenBy.flat()).size === sent);
        expect(overlaps).toEqual([]);
        const perKey = (n: number) => (key: string) =>
          Number(key.slice(1)) % 50 === n;
        for (const seen of seenBy)
          for (let key = 0; key < 50; key++) {
            const numbers = seen
              .filter(perKey(key))
              .map((data) => Number(data.slice(1)));
            expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
          }
      },
    );

    check(
      "2,000 messages from 16 callers arrive once each, in order per key",
      async () => {
        const binding = await open();
        const seen: BindingMessage[] = [];
        await read(
          binding,
          async (message) => void seen.push(message) as undefined,
        );
        await Promise.all(
          Array.from({ length: 16 }, async (_, caller) => {
            for (let n = 0; n < 125; n++)
              await send(binding, `${caller}:${n}`, {
                partitionKey: `caller-${caller}`,
              });
          }),
        );
        await until("2,000 messages", () => seen.length >= 2000);
        expect(seen).toHaveLength(2000);
        for (let caller = 0; caller < 16; caller++)
          expect(
            seen.map(text).filter((data) => data.startsWith(`${caller}:`)),
          ).toEqual(Array.from({ length: 125 }, (_, n) => `${caller}:${n}`));
      },
    );

    check(
      "closing twice is harmless, and nothing is accepted afterwards",
      async () => {
        const binding = await open();
        await binding.close();
        await binding.close();
        await expect(send(binding, "late")).rejects.toThrow(/closed/);
      },
    );
  });
}
