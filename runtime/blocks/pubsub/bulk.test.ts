/** Events that go to the app in bulks. */
import { DeliveryError } from "../../contracts/delivery.ts";
import type { BulkEvents } from "../../contracts/subscription.ts";
import {
  event,
  startSubscriptions as start,
  subscription,
} from "../../../tests/support/subscribing.ts";

describe("in bulks", () => {
  const bulk = { maxMessages: 3, maxAwaitMs: 3_600_000 };
  const numbers = (events: BulkEvents) =>
    events.entries.map(({ event: one }) =>
      "raw" in one ? "raw" : (one.parsed()["data"] as { n: number }).n,
    );
  const events = [0, 1, 2, 3].map((n) => event({ data: { n } }));

  test("what has its status is done with, all else comes again", async () => {
    const { bus, read } = await start({
      bulk: true,
      own: [subscription({ bulk })],
      playBulk: async ({ entries }) =>
        entries.map((_, i) =>
          i === 1 ? new DeliveryError("again") : i === 2 ? "drop" : "success",
        ),
    });
    await read();
    const failures = await bus.sendBulk("orders", events);
    expect(failures.map((one) => one?.message)).toEqual([
      undefined,
      "again",
      undefined,
      undefined,
    ]);
  });

  test("only what failed is tried again by the policy, and goes to the dead-letter topic then", async () => {
    const seen: unknown[] = [];
    const { bus, read } = await start({
      bulk: true,
      own: [subscription({ bulk, deadLetterTopic: "graves" })],
      async playBulk(them) {
        seen.push(numbers(them));
        return numbers(them).map((n) =>
          n === 2 || (n === 1 && seen.length === 1)
            ? new DeliveryError("again")
            : "success",
        );
      },
      run: (work) => work().catch(() => work()),
    });
    await read();
    expect(await bus.sendBulk("orders", events)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(seen).toEqual([
      [0, 1, 2, 3],
      [1, 2],
    ]);
    expect(bus.published).toHaveLength(1);
  });

  test("each path has a request of its own; malformed, expired and unrouted ones are left out", async () => {
    const seen: [string, unknown][] = [];
    const { bus, read } = await start({
      bulk: true,
      own: [
        subscription({
          bulk,
          rules: [
            { match: "event.data.n < 2", path: "/small" },
            { match: "event.data.n == 2", path: "/two" },
          ],
        }),
      ],
      async playBulk(them) {
        seen.push([them.path, numbers(them)]);
        return them.entries.map(() => "success");
      },
    });
    await read();
    const failures = await bus.sendBulk("orders", [
      ...events,
      ["malformed"],
      event({ expiration: "2020-01-01T00:00:00Z" }),
    ]);
    expect(seen).toEqual([
      ["/small", [0, 1]],
      ["/two", [2]],
    ]);
    expect(failures.map(Boolean)).toEqual([
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  test.each([
    ["an event", {}, "application/cloudevents+json"],
    ["raw bytes", { rawPayload: "true" }, "application/octet-stream"],
  ])("%s without a content type has one", async (_, metadata, expected) => {
    const seen: string[] = [];
    const { bus, read } = await start({
      bulk: true,
      own: [subscription({ bulk, metadata })],
      async playBulk(them) {
        seen.push(...them.entries.map(({ contentType }) => contentType));
        return them.entries.map(() => "success");
      },
    });
    await read();
    await bus.sendBulk("orders", events);
    expect(seen).toEqual(events.map(() => expected));
  });

  test("a component without bulks has them gathered", async () => {
    const seen: unknown[] = [];
    const { bus, read } = await start({
      own: [subscription({ bulk })],
      async playBulk(them) {
        seen.push(numbers(them));
        return them.entries.map(() => "success");
      },
    });
    await read();
    await Promise.all(events.slice(0, 3).map((one) => bus.send("orders", one)));
    expect(seen).toEqual([[0, 1, 2]]);
  });

  test("what does not fill a bulk goes after its time", async () => {
    const { bus, read } = await start({
      own: [subscription({ bulk: { maxMessages: 100, maxAwaitMs: 5 } })],
      playBulk: async ({ entries }) => entries.map(() => "success"),
    });
    await read();
    await bus.send("orders", event());
  });
});
