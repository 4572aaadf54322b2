/** CloudEvents that the publisher made, and payloads without an envelope, as Dapr 1.14.4 stored them. */
import {
  cloudEvent,
  envelope,
  json,
  publish,
  refused,
  rest,
  text,
} from "../../../tests/support/recording-pubsub.ts";
import type { Trace } from "../../shared/trace-context.ts";

const trace: Trace = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "a=b,c=d",
};

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
  expect(await envelope(cloudEvent, given, { "cloudevent.id": "no" })).toBe(
    stored,
  );
});

test("a CloudEvent expires too", async () => {
  const { data } = await publish(cloudEvent, '{"expiration":"mine"}', {
    ttl: "60",
  });
  const { expiration } = JSON.parse(text(data)) as { expiration: string };
  expect(Date.parse(expiration)).toBeGreaterThan(Date.now());
});

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
  const error = await refused(publish(cloudEvent, body));
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
      cloudEvent,
      "\xff not JSON",
      { rawPayload },
      { trace },
    );
    expect(text(found.data)).toBe("\xff not JSON");
    expect(found.contentType).toBe(cloudEvent);
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
