/** The list that a sidecar keeps, against a stream whose order the test decides. */
import { eventType, type UpdateEvent } from "../../proto/operator-methods.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import type { OperatorClient } from "./client.ts";
import { watchObjects } from "./watch.ts";

const object = (name: string, version: number, spec?: string) => ({
  metadata: { name, resourceVersion: String(version) },
  ...(spec ? { spec } : {}),
});
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const event = (type: UpdateEvent["type"], value: unknown): UpdateEvent => ({
  type,
  item: bytes(value),
});

interface Stream {
  send(event: UpdateEvent): void;
  end(error?: Error): void;
}

function watch(lists: (() => Promise<unknown[]>)[]) {
  const streams: Stream[] = [];
  const told: string[][] = [];
  const failures: string[] = [];
  const ended = new AbortController();
  let listed = 0;
  const client = {
    updates(_: string, send: (event: UpdateEvent) => void) {
      const over = Promise.withResolvers<void>();
      over.promise.catch(() => {});
      const end = (error?: Error) =>
        error ? over.reject(error) : over.resolve();
      streams.push({ send, end });
      return {
        registered: Promise.resolve(),
        ended: over.promise,
        cancel: () => end(new Error("cancelled")),
      };
    },
    reconnect() {},
  } as unknown as OperatorClient;
  const watching = watchObjects({
    client,
    kinds: [
      {
        updates: "ComponentUpdate",
        list: async () => {
          const list = lists[Math.min(listed++, lists.length - 1)]!;
          return (await list()).map(bytes);
        },
        onObjects: (objects) =>
          told.push(
            objects.map(
              ({ metadata, spec }) =>
                `${metadata?.name}${metadata?.resourceVersion}${(spec as string) ?? ""}`,
            ),
          ),
      },
    ],
    onFailure: (reason) => failures.push(reason),
    onListed() {},
    signal: ended.signal,
  });
  return {
    streams,
    told,
    failures,
    last: () => told.at(-1),
    async stop() {
      ended.abort();
      await watching;
    },
  };
}

test("what comes while the list is on its way counts, unless the list is newer", async () => {
  const list = Promise.withResolvers<unknown[]>();
  const { streams, last, stop } = watch([() => list.promise]);
  await waitFor("the stream", () => streams.length === 1);
  streams[0]!.send(event(eventType.updated, object("a", 2, "old")));
  streams[0]!.send(event(eventType.created, object("b", 9)));
  streams[0]!.send(event(eventType.deleted, object("c", 3)));
  streams[0]!.send(event(eventType.deleted, object("d", 4)));
  list.resolve([object("a", 7), object("c", 3), object("d", 8)]);
  await waitFor("the list", last);
  expect(last()).toEqual(["a7", "d8", "b9"]);
  await stop();
});

test("changes that come together are told once, and after a break the list counts", async () => {
  const lists = [
    async () => [object("a", 1), object("b", 1)],
    async () => {
      throw new Error("not yet");
    },
    async () => [object("b", 5)],
  ];
  const { streams, told, last, failures, stop } = watch(lists);
  await waitFor("the list", last);
  streams[0]!.send(event(eventType.created, object("c", 2)));
  streams[0]!.send(event(eventType.updated, object("c", 3)));
  await waitFor("the change", () => told.length === 2);
  expect(last()).toEqual(["a1", "b1", "c3"]);
  streams[0]!.end(new Error("it went away"));
  await waitFor("the second list", () => told.length === 3);
  expect(last()).toEqual(["b5"]);
  expect(failures).toEqual(["it went away", "not yet"]);
  await stop();
});
