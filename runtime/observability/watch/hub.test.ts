import type { Readable } from "node:stream";
import type { WatchEvent } from "../../shared/watch-event.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import { WatchHub } from "./hub.ts";
import { queuedBytes } from "./watcher.ts";

const event =
  (path = "/a") =>
  () => ({
    type: "call" as const,
    at: 1,
    ms: 2,
    door: "http" as const,
    method: "GET",
    path,
    block: "other" as const,
    status: 200,
    isError: false,
  });

let hub: WatchHub;
beforeEach(() => {
  hub = new WatchHub();
});
afterEach(() => hub.close());

function read(stream: Readable) {
  let text = "";
  stream.on("data", (bytes: Buffer) => (text += bytes.toString()));
  return {
    text: () => text,
    events: () =>
      text
        .split("\n\n")
        .filter((line) => line.startsWith("data: "))
        .map((line) => JSON.parse(line.slice(6)) as WatchEvent),
  };
}

const pathsOf = (events: WatchEvent[]) =>
  events.map((one) => ("path" in one ? one.path : one));

test("all who watch are told, from when they come until they leave", async () => {
  expect(hub.isOn).toBe(false);
  hub.tell(event("/before"));
  const first = hub.open();
  expect(hub.isOn).toBe(true);
  const one = read(first);
  hub.tell(event("/1"));
  const other = read(hub.open());
  hub.tell(event("/2"));
  await waitFor("both", () => one.events()[1] && other.events()[0]);
  expect(one.events()).toMatchObject([
    { id: "1", path: "/1", status: 200 },
    { id: "2", path: "/2" },
  ]);
  expect(pathsOf(other.events())).toEqual(["/2"]);
  first.destroy();
  hub.tell(event("/3"));
  await waitFor("the other", () => other.events()[1]);
  expect(pathsOf(one.events())).toEqual(["/1", "/2"]);
});

test("when the last one leaves, nobody watches", async () => {
  const streams = [hub.open(), hub.open()];
  for (const stream of streams) stream.destroy();
  await waitFor("the end", () => !hub.isOn);
});

test("who does not read misses events and is told how many, and others get all", async () => {
  const slow = hub.open();
  const quick = read(hub.open());
  const long = "/" + "x".repeat(1000);
  const count = 3000;
  for (let n = 0; n < count; n++) {
    hub.tell(event(`${long}${n}`));
    // He who reads needs his turns.
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  await waitFor("all", () => quick.events().length === count);
  expect(slow.readableLength).toBeLessThanOrEqual(queuedBytes);
  expect(slow.readableLength).toBeGreaterThan(queuedBytes - 2000);
  const late = read(slow);
  await waitFor("the rest", () =>
    late.events().some(({ type }) => type === "missed"),
  );
  const told = late.events();
  const missed = told.find((one) => one.type === "missed")!;
  expect(told.length - 1 + missed.count).toBe(count);
  hub.tell(event("/after"));
  await waitFor("what comes now", () =>
    pathsOf(late.events()).includes("/after"),
  );
});

test("what is missing is told before the next event that fits", async () => {
  const slow = hub.open();
  for (let n = 0; n < 3; n++) hub.tell(event("x".repeat(queuedBytes / 2)));
  hub.tell(event("/short"));
  const late = read(slow);
  await waitFor("the last", () => pathsOf(late.events()).includes("/short"));
  expect(late.events().map(({ type }) => type)).toEqual([
    "call",
    "missed",
    "call",
  ]);
});

test("a silent stream has a comment now and then", async () => {
  const lively = new WatchHub(1);
  const one = read(lively.open());
  await waitFor("a comment", () => one.text().includes(":\n\n"));
  expect(one.events()).toEqual([]);
  lively.close();
});

test("at its end it tells the last events, and all streams end", async () => {
  const stream = hub.open();
  const one = read(stream);
  hub.tell(event("/last"));
  hub.close();
  await waitFor("the end", () => stream.readableEnded);
  expect(pathsOf(one.events())).toEqual(["/last"]);
  expect(hub.isOn).toBe(false);
  const late = hub.open();
  late.resume();
  await waitFor("its end", () => late.readableEnded);
  expect(hub.isOn).toBe(false);
});
