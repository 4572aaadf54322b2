/** Errors of publishing, bulks, and the components that a block has. */
import {
  caller,
  cloudEvent,
  eventOf,
  json,
  recordingPubSub,
  refused,
  rest,
  shape,
  text,
  thrown,
} from "../../../tests/support/recording-pubsub.ts";
import type { ApiError } from "../../contracts/errors.ts";
import type { MetadataItem } from "../../contracts/metadata.ts";
import type { BulkEntry, PubSub } from "../../contracts/pubsub.ts";
import type { BulkPublishError } from "./errors.ts";
import type { NewEntry } from "./outlet.ts";

const item = (name: string, value: string): MetadataItem => ({ name, value });

test("errors say what is wrong", async () => {
  const { block } = recordingPubSub({
    metadata: [item("publishingScopes", "rec=a")],
  });
  const told = ({ status, grpcCode, code, message }: ApiError) => [
    status,
    grpcCode,
    code,
    message,
  ];
  expect(
    told(await thrown(() => block.outlet("nope", "t", { a: "b" }))),
  ).toEqual([404, 3, "ERR_PUBSUB_NOT_FOUND", "pubsub nope is not found"]);
  expect(told(await thrown(() => block.outlet("absent", "t", {})))).toEqual([
    404,
    3,
    "ERR_PUBSUB_NOT_FOUND",
    "pubsub absent is not found: its type is missing",
  ]);
  expect(told(await thrown(() => block.outlet("", "t", {})))).toEqual([
    404,
    3,
    "ERR_PUBSUB_EMPTY",
    "pubsub name is empty",
  ]);
  expect(told(await thrown(() => block.outlet("ps", "", {})))).toEqual([
    404,
    3,
    "ERR_TOPIC_NAME_EMPTY",
    "topic is empty in pubsub ps",
  ]);
  expect(
    told(await thrown(() => block.outlet("ps", "t", { rawPayload: "yes" }))),
  ).toEqual([
    400,
    3,
    "ERR_PUBSUB_REQUEST_METADATA",
    "failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is 'yes'",
  ]);
  const denied = await refused(
    block
      .outlet("ps", "c", {})
      .publish(eventOf(json, "1"), undefined, caller()),
  );
  expect(told(denied)).toEqual([
    403,
    7,
    "ERR_PUBSUB_FORBIDDEN",
    "topic c is not allowed for app id rec",
  ]);
  expect(denied.details![1]).toMatchObject({
    reason: "DAPR_PUBSUB_FORBIDDEN",
    metadata: { error: "topic c is not allowed for app id rec", topic: "c" },
  });
  const broken = recordingPubSub({
    publish: () => Promise.reject(new Error("it burns")),
  });
  const failed = await refused(
    broken.block
      .outlet("ps", "c", {})
      .publish(eventOf(json, "1"), undefined, caller()),
  );
  expect(told(failed)).toEqual([
    500,
    13,
    "ERR_PUBSUB_PUBLISH_MESSAGE",
    "error when publishing to topic c in pubsub ps: it burns",
  ]);
});

test("an error has no room for megabytes of a caller's text", async () => {
  const { block } = recordingPubSub();
  const long = "x".repeat(1_000_000);
  const { message, details } = await thrown(() =>
    block.outlet(long, long, { a: long }),
  );
  expect(message.length + JSON.stringify(details).length).toBeLessThan(3000);
  const many = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [`k${i}`, "v"]),
  );
  const other = await thrown(() => block.outlet("nope", "t", many));
  expect(JSON.stringify(other.details).length).toBeLessThan(1000);
});

const entry = (entryId: string, more: Partial<NewEntry> = {}): NewEntry => ({
  entryId,
  contentType: json,
  data: Buffer.from(`"${entryId}"`),
  ...more,
});

const bulk = (
  { block }: ReturnType<typeof recordingPubSub>,
  entries: NewEntry[],
  metadata = {},
  call = caller(),
) => block.outlet("ps", "t1", metadata).publishBulk(entries, undefined, call);

test("a bulk goes to a broker that takes bulks, in one call", async () => {
  const calls: { topic: string; entries: BulkEntry[]; metadata: unknown }[] =
    [];
  const one = recordingPubSub({
    async publishBulk(topic, entries, metadata) {
      calls.push({ topic, entries, metadata });
      return entries.map(() => undefined);
    },
  });
  await bulk(
    one,
    [
      entry("1"),
      entry("2", {
        contentType: "text/plain",
        metadata: { own: "x", ttl: "60", "cloudevent.id": "mine" },
      }),
    ],
    { ttl: "7200", more: "y" },
  );
  const [{ topic, entries, metadata }] = calls as [(typeof calls)[0]];
  expect(calls).toHaveLength(1);
  expect([topic, metadata]).toEqual(["t1", { ttl: "7200", more: "y" }]);
  expect(
    entries.map(({ entryId, contentType }) => [entryId, contentType]),
  ).toEqual([
    ["1", cloudEvent],
    ["2", cloudEvent],
  ]);
  // The request's metadata go to an entry that has some of its own.
  expect(entries.map(({ metadata: own }) => ({ ...own }))).toEqual([
    {},
    { own: "x", ttl: "60", more: "y", "cloudevent.id": "mine" },
  ]);
  expect(shape(entries[0]!.data)).toBe(`{"data":"1",${rest(json)}`);
  expect(JSON.parse(text(entries[1]!.data))).toMatchObject({
    id: "mine",
    data: '"2"',
    expiration: expect.any(String),
  });
});

test("a broker that takes no bulks gets one message after the other, in their order", async () => {
  const one = recordingPubSub();
  const ids = Array.from({ length: 250 }, (_, i) => `${i}`);
  await bulk(
    one,
    ids.map((id) => entry(id)),
  );
  expect(
    one.published.map(
      ({ data }) => (JSON.parse(text(data)) as { data: string }).data,
    ),
  ).toEqual(ids);
  await bulk(one, []);
  expect(one.published).toHaveLength(250);
});

test("at most 100 messages of a bulk are under way, and none begins when the caller has left", async () => {
  const gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  let underWay = 0;
  const one = recordingPubSub({
    async publish() {
      underWay++;
      await gate.promise;
    },
  });
  const ids = Array.from({ length: 150 }, (_, i) => `${i}`);
  const done = refused(
    bulk(
      one,
      ids.map((id) => entry(id)),
      {},
      { door: "grpc", signal: () => leaving.signal },
    ),
  );
  expect(underWay).toBe(100);
  leaving.abort(new Error("the caller went away"));
  gate.resolve();
  const error = (await done) as BulkPublishError;
  expect(underWay).toBe(100);
  expect(error.failedEntries).toHaveLength(50);
});

test("what of a bulk was not stored is told by its entries", async () => {
  const one = recordingPubSub({
    publish: async ({ data }) => {
      if (text(data).includes('"data":"2"')) throw new Error("it burns");
    },
  });
  const error = (await refused(
    bulk(one, [entry("1"), entry("2")]),
  )) as BulkPublishError;
  expect(error.message).toBe(
    "error when publishing to topic t1 in pubsub ps: it burns",
  );
  expect(error.failedEntries).toEqual([{ entryId: "2", error: "it burns" }]);
  const broken = recordingPubSub({
    publishBulk: () => Promise.reject(new Error("all of it")),
  });
  const all = (await refused(
    bulk(broken, [entry("1"), entry("2")]),
  )) as BulkPublishError;
  expect(all.failedEntries.map(({ entryId }) => entryId)).toEqual(["1", "2"]);
});

test("a bulk with a wrong entry is refused as a whole", async () => {
  const one = recordingPubSub();
  for (const entries of [
    [entry("1"), entry("")],
    [entry("1"), entry("1")],
  ]) {
    const error = await refused(bulk(one, entries));
    expect(error).toMatchObject({
      status: 400,
      grpcCode: 3,
      code: "ERR_PUBSUB_EVENTS_SER",
      message:
        "error marshaling events to bytes for topic t1 pubsub ps. error: entryId is duplicated or not present for entry",
    });
  }
  const problem = "error: mismatch between contentType and event";
  const error = await refused(bulk(one, [entry("1", { problem })]));
  expect(error.message).toBe(
    `error when marshalling cloud event envelope for topic t1 pubsub ps: ${problem}`,
  );
  expect(one.published).toEqual([]);
});

test("who listens learns of components that come and go, and is waited for", async () => {
  const { block, pubsub } = recordingPubSub();
  const told: string[] = [];
  const gate = Promise.withResolvers<void>();
  const end = block.onChange({
    added: ({ name }) => void told.push(`added ${name}`),
    async removed({ name }) {
      await gate.promise;
      told.push(`removed ${name}`);
    },
  });
  const newer: PubSub = { ...pubsub };
  block.add("ps", newer, [], String);
  expect(block.component("ps")!.pubsub).toBe(newer);
  const removing = block.remove("ps", pubsub).then(() => told.push("done"));
  expect(block.component("ps")!.pubsub).toBe(newer);
  gate.resolve();
  await removing;
  expect(told).toEqual(["added ps", "removed ps", "done"]);
  end();
  await block.remove("ps", newer);
  expect(block.component("ps")).toBeUndefined();
  expect(told).toHaveLength(3);
});
