/** The binding contract without faults: what arrives, how often, in which order. */
import type { Message } from "../../runtime/contracts/delivery.ts";
import { text } from "./contract-harness.ts";
import type { Harness } from "./contract-harness.ts";
import { openBinding } from "./open-component.ts";

export function deliveryCases({
  check,
  open,
  read,
  collect,
  send,
  until,
  setup,
  type,
}: Harness): void {
  check("what invoke sends, read delivers with the same bytes", async () => {
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
  });

  check(
    "key and metadata travel with the message, and its topic, partition and offset are added",
    async () => {
      const binding = await open();
      const before = Date.now();
      await send(binding, "x", {
        partitionKey: "order-7",
        colour: "blue, light",
      });
      await send(binding, "y", { __key: "order-7" });
      const seen: Message[] = [];
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
        __topic: setup().metadata["publishTopic"],
        partitionKey: "order-7",
        colour: "blue, light",
      });
      expect(Number(y["__offset"])).toBe(Number(x["__offset"]) + 1);
      expect(y["__partition"]).toBe(x["__partition"]);
      expect(y["__key"]).toBe("order-7");
      expect(Math.abs(Number(x["__timestamp"]) - before)).toBeLessThan(60_000);
      for (const value of Object.values(x)) expect(typeof value).toBe("string");
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
      const seen: Message[] = [];
      await read(
        binding,
        async (message) => void seen.push(message) as undefined,
      );
      await until("the message", () => seen.length === 1);
      expect(seen[0]!.metadata["__partition"]).toBe("1");
    },
  );

  check("open refuses wrong metadata", async () => {
    await expect(
      openBinding(type, { metadata: setup().bad.metadata }),
    ).rejects.toThrow(setup().bad.error);
  });

  check(
    "two readers of one group share the work, no message is lost, and none is at both at once",
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
      const seen: Message[] = [];
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
    "close may be called twice, and nothing is accepted afterwards",
    async () => {
      const binding = await open();
      await binding.close();
      await binding.close();
      await expect(send(binding, "late")).rejects.toThrow(/closed/);
    },
  );
}
