/** Publishing, over HTTP and over gRPC: both store the same, and refuse the same. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  asSeen,
  done,
  failed,
  of,
  shortened,
  value,
  type Case,
} from "../support/door-cases.ts";
import {
  grpcDoor,
  httpDoor,
  type Door,
  type Published,
} from "../support/doors.ts";
import { closeGrpc } from "../support/grpc-api.ts";
import { tempFolder } from "../support/temp-folder.ts";

let sidecar: Daprd;
let file: string;
let doors: Record<"http" | "grpc", Door>;

beforeAll(async () => {
  file = join(tempFolder("doors-publish"), "bus.db");
  const bus = (name: string, metadata: Record<string, string> = {}) =>
    component(name, "pubsub.sqlite", {
      path: file,
      partitions: "1",
      ...metadata,
    });
  sidecar = await startDaprd({
    resources: {
      "bus.yaml": bus("bus"),
      "scoped.yaml": bus("scoped", { publishingScopes: "testapp=a;other=b" }),
      "protected.yaml": bus("protected", { protectedTopics: "secret" }),
      "spaced.yaml": bus("spaced", { consumerID: "{namespace}" }),
      "memory.yaml": component("memory", "pubsub.in-memory"),
      "absent.yaml": component("absent", "pubsub.pulsar"),
    },
  });
  doors = { http: httpDoor(sidecar.port), grpc: grpcDoor(sidecar.grpcPort) };
});
afterAll(async () => {
  closeGrpc();
  await stopAll();
});

interface Stored {
  value: string;
  metadata: Record<string, string>;
}

/** What is stored with this text in it, in order. */
function stored(text: string): Stored[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db
      .prepare("SELECT value, headers FROM log_message ORDER BY id")
      .all()
      .map(({ value: bytes, headers }) => ({
        value: Buffer.from(bytes as Uint8Array).toString("utf8"),
        metadata: JSON.parse(headers as string) as Record<string, string>,
      }))
      .filter((one) => one.value.includes(text));
  } finally {
    db.close();
  }
}

/** What is stored, without what differs each time, and without what is in every envelope. */
function attributes({ value: text }: Stored): unknown {
  const { id, time, specversion, type, source, ...others } = JSON.parse(
    text,
  ) as Record<string, unknown>;
  expect(Number.isNaN(Date.parse(time as string))).toBe(false);
  expect([specversion, typeof id, typeof type, typeof source]).toEqual([
    "1.0",
    "string",
    "string",
    "string",
  ]);
  return others;
}

let calls = 0;

/** Publishes to a topic of its own; the outcome has the one message that is stored. */
const published =
  (
    event: Published,
    {
      headers,
      read = attributes,
      prefix = "t",
    }: {
      headers?: Record<string, string>;
      read?(stored: Stored): unknown;
      prefix?: string;
    } = {},
  ): Case["run"] =>
  async (door) => {
    const topic = `${prefix}-${++calls}-end`;
    const own = (text: string) => text.replaceAll("TOPIC", topic);
    const { data } = event;
    const outcome = await door.publish(
      "bus",
      topic,
      { ...event, data: typeof data === "string" ? own(data) : data },
      headers,
    );
    if ("error" in outcome) return outcome;
    const found = stored(JSON.stringify(topic).slice(1, -1));
    expect(found).toHaveLength(1);
    const seen = JSON.stringify(read(found[0]!));
    const name = JSON.stringify(topic).slice(1, -1);
    return value(JSON.parse(seen.replaceAll(name, "TOPIC")));
  };

const envelope = (contentType: string, data: object, trace = "") => ({
  datacontenttype: contentType,
  topic: "TOPIC",
  pubsubname: "bus",
  traceid: trace,
  traceparent: trace,
  tracestate: "",
  ...data,
});

const json = "application/json";
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const text = ({ value: whole }: Stored) => whole;

const cases: Case[] = [
  of(
    "JSON",
    published({ data: '{"a":[1]}', contentType: json }),
    value(envelope(json, { data: { a: [1] } })),
  ),
  of(
    "numbers as they were sent",
    published(
      { data: "[9007199254740993, 10.00, 1E400]", contentType: json },
      { read: ({ value: whole }) => /\[.*\]/.exec(whole)![0] },
    ),
    value("[9007199254740993, 10.00, 1E400]"),
  ),
  of(
    "JSON that is none",
    published({ data: '{"a":', contentType: json }),
    value(envelope(json, { data: '{"a":' })),
  ),
  of(
    "megabytes of JSON",
    published(
      {
        data: `{"a":"${"x".repeat(2_000_000)}","b":["é"]}`,
        contentType: json,
      },
      { read: (one) => (attributes(one) as { data: { b: unknown } }).data.b },
    ),
    value(["é"]),
  ),
  of(
    "megabytes of JSON that is none",
    published(
      { data: `{"a":"${"x".repeat(2_000_000)}é`, contentType: json },
      {
        read: (one) => {
          const { data } = attributes(one) as { data: string };
          return [data.length, data.slice(-2)];
        },
      },
    ),
    value([2_000_007, "xé"]),
  ),
  of(
    "text without a content type",
    published({ data: "é <&>" }),
    value(envelope("text/plain", { data: "é <&>" })),
  ),
  of(
    "bytes",
    published({
      data: Buffer.from([0, 255]),
      contentType: "application/octet-stream",
    }),
    value(envelope("application/octet-stream", { data_base64: "AP8=" })),
  ),
  of(
    "a CloudEvent",
    published({
      data: '{"id":"1","type":"t","source":"s","specversion":"1.0","data":10.00,"mine":true,"topic":"no"}',
      contentType: "application/cloudevents+json; charset=utf-8",
    }),
    value({
      data: 10,
      mine: true,
      topic: "TOPIC",
      pubsubname: "bus",
      traceid: "",
      traceparent: "",
      tracestate: "",
    }),
  ),
  of(
    "a CloudEvent of megabytes",
    published(
      {
        data: `{"id":"1","data":"${"x".repeat(2_000_000)}","__proto__":{"x":1}}`,
        contentType: "application/cloudevents+json",
      },
      {
        read: ({ value: whole }) => whole.replace(/x{1000,}/, "…").slice(0, 50),
      },
    ),
    value('{"__proto__":{"x":1},"data":"…","id":"1","pubsubna'),
  ),
  of(
    "what is no CloudEvent",
    published({ data: "[]", contentType: "application/cloudevents+json" }),
    failed(500, "INVALID_ARGUMENT", "cannot create cloudevent"),
  ),
  of(
    "megabytes of what is no CloudEvent",
    published({
      data: `{"a":"${"x".repeat(2_000_000)}`,
      contentType: "application/cloudevents+json",
    }),
    failed(500, "INVALID_ARGUMENT", "cannot create cloudevent"),
  ),
  of(
    "a raw payload",
    published(
      {
        data: "raw TOPIC {",
        contentType: json,
        metadata: { rawPayload: "true" },
      },
      { read: text },
    ),
    value("raw TOPIC {"),
  ),
  of(
    "a raw payload that is said in no way",
    published({ data: "1", metadata: { rawPayload: "yes" } }),
    failed(
      400,
      "INVALID_ARGUMENT",
      "failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is 'yes'",
    ),
  ),
  of(
    "attributes from metadata",
    published(
      {
        data: "1",
        metadata: {
          "cloudevent.id": "mine",
          "cloudevent.type": "é",
          "cloudevent.subject": "s",
        },
      },
      {
        read({ value: whole }) {
          const { id, type, subject } = JSON.parse(whole) as Record<
            string,
            unknown
          >;
          return { id, type, subject };
        },
      },
    ),
    value({ id: "mine", type: "é", subject: "s" }),
  ),
  of(
    "the caller's trace",
    published({ data: "1", contentType: json }, { headers: { traceparent } }),
    value(envelope(json, { data: 1 }, traceparent)),
  ),
  of(
    "a trace that is malformed",
    published(
      { data: "1", contentType: json },
      { headers: { traceparent: "00-zz", tracestate: "a=b" } },
    ),
    value(envelope(json, { data: 1 })),
  ),
  of(
    "metadata for the broker",
    published(
      { data: "1", metadata: { key: "v", __proto__key: "w" } },
      {
        read: ({ metadata: { key, __proto__key } }) => ({ key, __proto__key }),
      },
    ),
    value({ key: "v", __proto__key: "w" }),
  ),
  ...["a/b/c", "é ü+%2F", 'q"\\', "nul\0"].map((prefix) =>
    of(
      `a topic like ${JSON.stringify(prefix)}`,
      published({ data: "1", contentType: json }, { prefix }),
      value(envelope(json, { data: 1 })),
    ),
  ),
  of(
    "the namespace before the topic, for the broker only",
    (door) =>
      door.publish("spaced", "in-space", { data: "1", contentType: json }),
    done,
  ),
  of(
    "a component that is not there",
    (door) => door.publish("nope", "t", { data: "1" }),
    failed(404, "INVALID_ARGUMENT", "pubsub nope is not found"),
  ),
  of(
    "a component whose type is not here",
    async (door) =>
      shortened(await door.publish("absent", "t", { data: "1" }), / \(.*/),
    failed(
      404,
      "INVALID_ARGUMENT",
      "pubsub absent is not found: its type pubsub.pulsar is Dapr's, but not in this version of the sidecar",
    ),
  ),
  of(
    "a topic of the scope",
    (door) => door.publish("scoped", "a", { data: "1" }),
    done,
  ),
  of(
    "a topic beyond the scope",
    (door) => door.publish("scoped", "b", { data: "1" }),
    failed(
      403,
      "PERMISSION_DENIED",
      "topic b is not allowed for app id testapp",
    ),
  ),
  of(
    "a topic that is protected",
    (door) => door.publish("protected", "secret", { data: "1" }),
    failed(
      403,
      "PERMISSION_DENIED",
      "topic secret is not allowed for app id testapp",
    ),
  ),
  of(
    "a broker that fails",
    async (door) =>
      shortened(
        await door.publish("bus", "t", {
          data: "1",
          metadata: { partitionNumber: "x" },
        }),
        /(?<=in pubsub bus): .*/,
      ),
    failed(500, "INTERNAL", "error when publishing to topic t in pubsub bus"),
  ),
  of(
    "a bulk",
    async (door) => {
      const topic = `bulk-${++calls}-end`;
      const outcome = await door.publishBulk("bus", topic, [
        { entryId: "1", data: '{"a":1}', contentType: json },
        {
          entryId: "2",
          data: "text",
          contentType: "text/plain",
          metadata: { own: "o" },
        },
      ]);
      if ("error" in outcome) return outcome;
      return value(
        stored(topic).map(({ value: whole, metadata }) => {
          const { data, datacontenttype } = JSON.parse(whole) as Record<
            string,
            unknown
          >;
          return [data, datacontenttype, metadata["own"]];
        }),
      );
    },
    value([
      [{ a: 1 }, json, undefined],
      ["text", "text/plain", "o"],
    ]),
  ),
  of("a bulk of nothing", (door) => door.publishBulk("bus", "t", []), done),
  of(
    "a bulk of ten thousand to a broker that takes one after the other",
    (door) => door.publishBulk("memory", "t", entries(10_000)),
    done,
  ),
  of(
    "a bulk of more",
    (door) => door.publishBulk("memory", "t", entries(10_001)),
    failed(
      400,
      "INVALID_ARGUMENT",
      "error when unmarshaling the request for topic t pubsub memory: 10001 entries are more than 10000; send them in several requests",
    ),
  ),
  of(
    "a bulk of which one entry fails",
    async (door) => {
      const topic = `partly-${++calls}-end`;
      const outcome = await door.publishBulk("bus", topic, [
        { entryId: "1", data: "1", contentType: json },
        {
          entryId: "2",
          data: "2",
          contentType: json,
          metadata: { partitionNumber: "x" },
        },
      ]);
      expect(stored(topic)).toHaveLength(1);
      return shortened(
        shortened(outcome, /(?<=in pubsub bus): .*/),
        new RegExp(topic),
      );
    },
    failed(500, "INTERNAL", "error when publishing to topic  in pubsub bus"),
  ),
  ...[["1", "1"], ["1", ""], [undefined]].map((ids) =>
    of(
      `a bulk with the entry IDs ${JSON.stringify(ids)}`,
      (door) =>
        door.publishBulk(
          "bus",
          "t",
          ids.map((entryId) => ({
            ...(entryId === undefined ? {} : { entryId }),
            data: "1",
            contentType: json,
          })),
        ),
      failed(
        400,
        "INVALID_ARGUMENT",
        "error marshaling events to bytes for topic t pubsub bus. error: entryId is duplicated or not present for entry",
      ),
    ),
  ),
  of(
    "a bulk beyond the scope",
    (door) => door.publishBulk("scoped", "b", entries(1)),
    failed(
      403,
      "PERMISSION_DENIED",
      "topic b is not allowed for app id testapp",
    ),
  ),
  of(
    "a bulk for a component that is not there",
    (door) => door.publishBulk("nope", "t", entries(1)),
    failed(404, "INVALID_ARGUMENT", "pubsub nope is not found"),
  ),
];

function entries(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    entryId: `${i}`,
    data: "1",
    contentType: json,
  }));
}

test.each(cases)("$title", async ({ run, expected }) => {
  expect(await run(doors.http)).toEqual(asSeen("http", expected));
  expect(await run(doors.grpc)).toEqual(asSeen("grpc", expected));
});

test("the broker has the namespace before the topic", () => {
  const db = new DatabaseSync(file, { readOnly: true });
  const topics = db
    .prepare("SELECT DISTINCT topic FROM log_partition")
    .all()
    .map(({ topic }) => topic);
  db.close();
  expect(topics).toContain("pubsub,defaultin-space");
  expect(
    stored("in-space")
      .map(text)
      .every((one) => one.includes('"topic":"in-space"')),
  ).toBe(true);
});
