/** Envelopes as Dapr 1.14.4 made them of the same requests, with the differences that docs/protocol/pubsub.md tells. */
import { recordingLog } from "../../../tests/support/recording-log.ts";
import type { Call } from "../../contracts/call.ts";
import { ApiError } from "../../contracts/errors.ts";
import type { MetadataItem } from "../../contracts/metadata.ts";
import type {
  BulkEntry,
  PublishRequest,
  PubSub,
} from "../../contracts/pubsub.ts";
import type { Trace } from "../../shared/trace-context.ts";
import { BulkPublishError } from "./errors.ts";
import type { NewEntry } from "./outlet.ts";
import { createPubSubs } from "./pubsub.ts";

const call: Call = {
  door: "http",
  signal: () => new AbortController().signal,
};

interface Setup extends Partial<PubSub> {
  metadata?: MetadataItem[];
}

/** A block with one component, `ps`, that keeps what is published. */
function setup({ metadata = [], ...own }: Setup = {}) {
  const published: PublishRequest[] = [];
  const pubsub: PubSub = {
    features: [],
    async publish(request) {
      published.push(request);
    },
    subscribe: () => Promise.reject(new Error("nobody subscribes here")),
    close: async () => {},
    ...own,
  };
  const block = createPubSubs({
    appId: "rec",
    namespace: "default",
    log: recordingLog(),
    absence: (name) => (name === "absent" ? "its type is missing" : undefined),
  });
  block.add("ps", pubsub, metadata, (error) => (error as Error).message);
  return { block, published, pubsub };
}

const item = (name: string, value: string): MetadataItem => ({ name, value });

async function publish(
  contentType: string,
  body: string | Uint8Array,
  metadata: Record<string, string> = {},
  {
    trace,
    topic = "t1",
    ...own
  }: Setup & { trace?: Trace; topic?: string } = {},
): Promise<PublishRequest> {
  const { block, published } = setup(own);
  await block
    .outlet("ps", topic, metadata)
    .publish({ contentType, data: Buffer.from(body) }, trace, call);
  expect(published).toHaveLength(1);
  return published[0]!;
}

const text = (data: Uint8Array) => Buffer.from(data).toString("utf8");

/** The envelope without what differs each time. */
const shape = (data: Uint8Array) =>
  text(data)
    .replace(
      /"id":"[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}"/,
      '"id":UUID',
    )
    .replace(
      /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)"/,
      '"time":NOW',
    );

async function envelope(...args: Parameters<typeof publish>): Promise<string> {
  return shape((await publish(...args)).data);
}

const rest = (type: string, { id = "UUID", source = "rec" } = {}) =>
  `"datacontenttype":"${type}","id":${id},"pubsubname":"ps","source":"${source}","specversion":"1.0",` +
  `"time":NOW,"topic":"t1","traceid":"","traceparent":"","tracestate":"","type":"com.dapr.event.sent"}`;

const json = "application/json";

test.each<[string, string | Uint8Array, string]>([
  // JSON is in it byte for byte.
  [
    json,
    '{"b": 9007199254740993, "a":10.00, "h":"<>&é"}',
    '{"b": 9007199254740993, "a":10.00, "h":"<>&é"}',
  ],
  [json, " [1, 2]\n", "[1, 2]"],
  [json, '{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
  ["Application/JSON; charset=utf-8", "1", "1"],
  // What is no JSON is a text.
  [json, '{"a":', '"{\\"a\\":"'],
  [json, '{"a":1} trailing', '"{\\"a\\":1} trailing"'],
  [json, "", '""'],
  [json, "[".repeat(10_001), `"${"[".repeat(10_001)}"`],
  // So is all else, its special characters escaped as Go escapes them.
  [
    "text/plain",
    'he"llo\\ <&> é\u2028',
    '"he\\"llo\\\\ \\u003c\\u0026\\u003e é\\u2028"',
  ],
  ["application/vnd.x+json", '{"a":1}', '"{\\"a\\":1}"'],
  ["application/json ; charset=utf-8", '{"a":1}', '"{\\"a\\":1}"'],
  ["application/x-protobuf", "x", '"x"'],
  // What is no Unicode becomes U+FFFD.
  ["text/plain", Buffer.from([0x61, 0xff, 0xfe, 0x62]), '"a\ufffd\ufffdb"'],
  [json, Buffer.from([0x22, 0x61, 0xff, 0x22]), '"a\ufffd"'],
  [json, '"\\ud800"', '"\ufffd"'],
])("of %s, %j is the data %s", async (type, body, data) => {
  expect(await envelope(type, body)).toBe(`{"data":${data},${rest(type)}`);
});

test.each<[string, Uint8Array, string]>([
  ["application/octet-stream", Buffer.from([1, 255]), "Af8="],
  ["application/cloudevents+protobuf", Buffer.from("x"), "eA=="],
  [
    "application/x-protobuf",
    Buffer.from("\x0a\x01i\x12\x02/s\x1a\x031.0\x22\x01t"),
    "CgFpEgIvcxoDMS4wIgF0",
  ],
])("of %s, bytes are Base64", async (type, body, base64) => {
  expect(await envelope(type, body)).toBe(
    `{"data_base64":"${base64}",${rest(type)}`,
  );
});

test("without a content type it is plain text, and a content type is told as it came", async () => {
  expect(await envelope("", "x")).toBe(`{"data":"x",${rest("text/plain")}`);
  expect(await envelope('a"<b', "x")).toBe(
    `{"data":"x",${rest('a\\"\\u003cb')}`,
  );
});

test("a topic may be any text", async () => {
  const data = await envelope(json, "1", {}, { topic: 't1\0x/"é' });
  expect(
    JSON.parse(data.replace("UUID", "0").replace("NOW", "0")),
  ).toMatchObject({ topic: 't1\0x/"é' });
});

test.each<[Record<string, string>, Record<string, unknown>]>([
  [
    {
      "cloudevent.id": "ID",
      "cloudevent.source": "SRC",
      "cloudevent.type": "TYP",
      "cloudevent.subject": "SUB",
      "cloudevent.traceid": "TID",
      "cloudevent.tracestate": "TS",
    },
    {
      id: "ID",
      source: "SRC",
      type: "TYP",
      subject: "SUB",
      traceid: "TID",
      traceparent: "TID",
      tracestate: "TS",
    },
  ],
  [
    {
      "CloudEvent.ID": "ID",
      "cloudevent.traceparent": "TP",
      "cloudevent.traceid": "TID",
    },
    { id: "ID", traceid: "TP", traceparent: "TP" },
  ],
  [
    { "cloudevent.source": "", "cloudevent.type": "" },
    { source: "Dapr", type: "com.dapr.event.sent" },
  ],
  [{ "CLOUDEVENT.ID": "UP", "cloudevent.id": "low" }, { id: "low" }],
  [{ "cloudevent.id": "low", "CLOUDEVENT.ID": "UP" }, { id: "low" }],
  [
    {
      "cloudevent.topic": "x",
      "cloudevent.pubsubname": "x",
      "cloudevent.data": "x",
      "cloudevent.__proto__": "x",
    },
    { topic: "t1", pubsubname: "ps", data: 1 },
  ],
])("with the metadata %j the envelope has %j", async (metadata, attributes) => {
  const { data } = await publish(json, "1", metadata);
  expect(JSON.parse(text(data))).toMatchObject(attributes);
});

test("an empty id is none, and an envelope without a subject has none", async () => {
  const found = await envelope(json, "1", {
    "cloudevent.id": "",
    "cloudevent.subject": "",
  });
  expect(found).toBe(`{"data":1,${rest(json)}`);
});

const trace: Trace = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "a=b,c=d",
};

test("the caller's trace is in it", async () => {
  const { data } = await publish(json, "1", {}, { trace });
  expect(JSON.parse(text(data))).toMatchObject({
    traceid: trace.traceparent,
    ...trace,
  });
});

test.each<[Record<string, string>, number | undefined]>([
  [{ ttlInSeconds: "60" }, 60],
  [{ TTLINSECONDS: "60" }, 60],
  [{ ttl: "1h30m" }, 5400],
  [{ ttlInSeconds: "60", ttl: "7200" }, 7200],
  [{ ttlInSeconds: "0" }, 0],
  [{ ttlInSeconds: "-5s" }, 0],
  [{ ttlInSeconds: "9223372036854775807" }, 9_223_372_036],
  [{ ttlInSeconds: "x" }, undefined],
  [{ ttlInSeconds: "-5" }, undefined],
  [{ ttlInSeconds: "1.5" }, undefined],
  [{ ttlInSeconds: "" }, undefined],
])("with the metadata %j it expires after %j s", async (metadata, seconds) => {
  const before = Date.now();
  const { data } = await publish(json, "1", metadata);
  const after = Date.now();
  const { expiration } = JSON.parse(text(data)) as { expiration?: string };
  if (seconds === undefined) return expect(expiration).toBeUndefined();
  expect(expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const ms = Date.parse(expiration!) - seconds * 1000;
  // To the second, which is cut off.
  expect(ms).toBeGreaterThan(before - 1000);
  expect(ms).toBeLessThanOrEqual(after + 1000);
  // A broker that sees to it needs no such attribute.
  const own = await publish(json, "1", metadata, { features: ["MESSAGE_TTL"] });
  expect(text(own.data)).not.toContain("expiration");
});

const event = "application/cloudevents+json";

test.each<[string, string]>([
  [
    '{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"z":10.00, "a":9007199254740993},"x":null,"topic":"other","datacontenttype":"application/json"}',
    '{"data":{"z":10.00, "a":9007199254740993},"datacontenttype":"application/json","id":"1","pubsubname":"ps","source":"s","specversion":"1.0","time":NOW,"topic":"t1","traceid":"","traceparent":"","tracestate":"","type":"t","x":null}',
  ],
  [
    "{}",
    '{"pubsubname":"ps","source":"Dapr","specversion":"1.0","time":NOW,"topic":"t1","traceid":"","traceparent":"","tracestate":"","type":"com.dapr.event.sent"}',
  ],
  [
    '{"source":null,"type":5,"time":null,"traceid":null,"tracestate":3}',
    '{"pubsubname":"ps","source":"Dapr","specversion":"1.0","time":null,"topic":"t1","traceid":null,"tracestate":3,"type":5}',
  ],
  [
    ' {"id":"x","\\u0069d":"y", "__proto__" : {"a":1},"ID":"q","constructor":1} ',
    '{"ID":"q","__proto__":{"a":1},"constructor":1,"id":"y","pubsubname":"ps","source":"Dapr","specversion":"1.0","time":NOW,"topic":"t1","traceid":"","traceparent":"","tracestate":"","type":"com.dapr.event.sent"}',
  ],
  [
    '{"traceparent":"mine"}',
    '{"pubsubname":"ps","source":"Dapr","specversion":"1.0","time":NOW,"topic":"t1","traceid":"mine","traceparent":"mine","tracestate":"","type":"com.dapr.event.sent"}',
  ],
  [
    '{"traceid":"mine"}',
    '{"pubsubname":"ps","source":"Dapr","specversion":"1.0","time":NOW,"topic":"t1","traceid":"mine","tracestate":"","type":"com.dapr.event.sent"}',
  ],
  [
    '{"source":"\\ud800","data":"\\ud83d\\ude00"}',
    '{"data":"\u{1f600}","pubsubname":"ps","source":"\ufffd","specversion":"1.0","time":NOW,"topic":"t1","traceid":"","traceparent":"","tracestate":"","type":"com.dapr.event.sent"}',
  ],
])("the CloudEvent %s becomes %s", async (given, stored) => {
  expect(await envelope(event, given, { "cloudevent.id": "no" })).toBe(stored);
});

test("a CloudEvent expires too", async () => {
  const { data } = await publish(event, '{"expiration":"mine"}', { ttl: "60" });
  const { expiration } = JSON.parse(text(data)) as { expiration: string };
  expect(Date.parse(expiration)).toBeGreaterThan(Date.now());
});

const refused = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error(`no ApiError: ${error}`);
  return error;
};

const thrown = (work: () => unknown) =>
  refused(new Promise((resolve) => resolve(work())));

test.each([
  ["", "EOF"],
  [
    "null",
    "json: cannot unmarshal null into Go value of type map[string]interface {}",
  ],
  [
    "[]",
    "json: cannot unmarshal array into Go value of type map[string]interface {}",
  ],
  ["{", "unexpected end of JSON input"],
  ["{x", 'invalid character "x" at byte 1'],
  ['{"id":"x"} junk', 'invalid character "j" at byte 11'],
  [
    `{${Array.from({ length: 1001 }, (_, i) => `"a${i}":1`).join()}}`,
    "it has more than 1000 attributes",
  ],
])("%j is no CloudEvent", async (body, problem) => {
  const error = await refused(publish(event, body));
  expect(error).toMatchObject({
    status: 500,
    grpcCode: 3,
    code: "ERR_PUBSUB_CLOUD_EVENTS_SER",
    message: "cannot create cloudevent",
  });
  expect(error.details).toEqual([
    {
      "@type": "type.googleapis.com/google.rpc.ResourceInfo",
      resource_type: "pubsub",
      resource_name: "ps",
      owner: "",
      description: "cannot create cloudevent",
    },
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      domain: "dapr.io",
      reason: "DAPR_PUBSUB_CLOUD_EVENT_CREATION",
      metadata: { appID: "rec", error: problem },
    },
  ]);
});

test("a raw payload is stored as it came, and its metadata tell the trace", async () => {
  for (const rawPayload of ["true", "T", "1", "TRUE"]) {
    const found = await publish(
      event,
      "\xff not JSON",
      { rawPayload },
      { trace },
    );
    expect(text(found.data)).toBe("\xff not JSON");
    expect(found.contentType).toBe(event);
    expect({ ...found.metadata }).toEqual({
      rawPayload,
      traceid: trace.traceparent,
      tracestate: trace.tracestate,
    });
  }
  for (const rawPayload of ["false", "0", ""])
    expect(await envelope(json, "1", { rawPayload })).toBe(
      `{"data":1,${rest(json)}`,
    );
  expect(await envelope(json, "1", { rawpayload: "true" })).toContain("data");
});

test("the broker gets the request's metadata, and the topic with its namespace", async () => {
  const metadata = { key: "v", ttl: "5" };
  const found = await publish(json, "1", metadata, {
    metadata: [{ name: "x", value: "default.rec", isNamespaced: true }],
  });
  expect(found).toMatchObject({ metadata, topic: "defaultt1" });
  expect(JSON.parse(text(found.data))).toMatchObject({ topic: "t1" });
});

test("errors say what is wrong", async () => {
  const { block } = setup({ metadata: [item("publishingScopes", "rec=a")] });
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
      .publish({ contentType: json, data: Buffer.from("1") }, undefined, call),
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
  const broken = setup({
    publish: () => Promise.reject(new Error("it burns")),
  });
  const failed = await refused(
    broken.block
      .outlet("ps", "c", {})
      .publish({ contentType: json, data: Buffer.from("1") }, undefined, call),
  );
  expect(told(failed)).toEqual([
    500,
    13,
    "ERR_PUBSUB_PUBLISH_MESSAGE",
    "error when publishing to topic c in pubsub ps: it burns",
  ]);
});

test("an error has no room for megabytes of a caller's text", async () => {
  const { block } = setup();
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
  { block }: ReturnType<typeof setup>,
  entries: NewEntry[],
  metadata = {},
  caller = call,
) => block.outlet("ps", "t1", metadata).publishBulk(entries, undefined, caller);

test("a bulk goes to a broker that takes bulks, in one call", async () => {
  const calls: { topic: string; entries: BulkEntry[]; metadata: unknown }[] =
    [];
  const one = setup({
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
    ["1", event],
    ["2", event],
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
  const one = setup();
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
  const one = setup({
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
  const one = setup({
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
  const broken = setup({
    publishBulk: () => Promise.reject(new Error("all of it")),
  });
  const all = (await refused(
    bulk(broken, [entry("1"), entry("2")]),
  )) as BulkPublishError;
  expect(all.failedEntries.map(({ entryId }) => entryId)).toEqual(["1", "2"]);
});

test("a bulk with a wrong entry is refused as a whole", async () => {
  const one = setup();
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
  const { block, pubsub } = setup();
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
