/** Envelopes as Dapr 1.14.4 made them of the same requests, with the differences that docs/protocol/pubsub.md tells. */
import {
  envelope,
  json,
  publish,
  rest,
  text,
} from "../../../tests/support/recording-pubsub.ts";
import type { Trace } from "../../shared/trace-context.ts";

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

test("data is so deep that its envelope can be read", async () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const deepest = nested(9999);
  expect(await envelope(json, deepest)).toBe(
    `{"data":${deepest},${rest(json)}`,
  );
  const deeper = nested(10_000);
  expect(await envelope(json, deeper)).toBe(
    `{"data":"${deeper}",${rest(json)}`,
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
