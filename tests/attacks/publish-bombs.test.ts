/** Malicious events are refused or stored as they came, and others are served meanwhile. */
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeGrpc,
  nameOf,
  openGrpc,
  type GrpcApi,
} from "../support/grpc-api.ts";
import { besideHealth, stallLimitMs } from "../support/stall.ts";

let sidecar: Daprd;
let api: GrpcApi;
beforeAll(async () => {
  sidecar = await startDaprd({
    resources: { "bus.yaml": component("bus", "pubsub.in-memory") },
  });
  api = openGrpc(sidecar.grpcPort);
});
afterAll(async () => {
  closeGrpc();
  await stopAll();
});

const json = "application/json";
const event = "application/cloudevents+json";
const most = 4 * 1024 * 1024 - 100;
/** As much of a text as a body may have. */
const filled = (head: string, again: string, tail: string) => {
  const room = most - head.length - tail.length;
  return head + again.repeat(Math.floor(room / again.length)) + tail;
};

async function overHttp(path: string, contentType: string, body: string) {
  const headers = { "content-type": contentType };
  const { result, stallMs } = await besideHealth(sidecar, () =>
    sidecar.call("POST", `/v1.0/publish/${path}`, { headers, body }),
  );
  expect(stallMs).toBeLessThan(stallLimitMs);
  return result;
}

async function overGrpc(request: object) {
  const { result, stallMs } = await besideHealth(sidecar, () =>
    api.call("PublishEvent", { pubsubName: "bus", topic: "t", ...request }),
  );
  expect(stallMs).toBeLessThan(stallLimitMs);
  return result;
}

/** What is no JSON is a text, so that each of these is published. */
test.each([
  ["4 MiB of levels", filled("", "[", "")],
  ["10,001 levels", "[".repeat(10_001) + "]".repeat(10_001)],
  ["10,000 levels", "[".repeat(10_000) + "]".repeat(10_000)],
  ["numbers", filled("[", "1,", "1]")],
  ["long numbers", filled("[", "12345678901234567890.00,", "1]")],
  ["a number of 4 MiB", filled("", "1", "")],
  ["empty objects", filled("[", "{},", "1]")],
  ["members", filled("{", '"a":1,', '"b":1}')],
  ["escapes", filled('"', "\\u0041", '"')],
  ["single surrogates", filled('"', "\\ud800", '"')],
  ["spaces", filled("[", " ", "]")],
  ["special characters", filled('"', "<>&\u2028", '"').slice(0, 2_000_000)],
])("%s are published as JSON", async (_, body) => {
  expect((await overHttp("bus/t", json, body)).status).toBe(204);
  expect(
    (await overGrpc({ data: Buffer.from(body), dataContentType: json })).code,
  ).toBe(0);
});

test.each([
  ["too many attributes", filled("{", '"a":1,', '"b":1}')],
  ["levels", filled('{"a":', "[", "}")],
  ["a text that does not end", filled('{"a":"', "x", "")],
  ["halves of pairs that do not end", filled('{"a":"', "\\ud800", "")],
])("a CloudEvent of %s is refused", async (_, body) => {
  const reply = await overHttp("bus/t", event, body);
  expect(reply.status).toBe(500);
  expect(reply.json()).toMatchObject({
    errorCode: "ERR_PUBSUB_CLOUD_EVENTS_SER",
  });
  const { code, text } = await overGrpc({
    data: Buffer.from(body),
    dataContentType: event,
  });
  expect(`${nameOf(code)} ${text}`).toBe(
    "INVALID_ARGUMENT cannot create cloudevent",
  );
});

test("a field of a Protobuf message is not believed", async () => {
  const data = Buffer.alloc(most, Buffer.from([0x0a, 0x00]));
  const dataContentType = "application/x-protobuf";
  expect((await overGrpc({ data, dataContentType })).code).toBe(0);
});

test.each([
  ["a million entries", filled("[", "{},", "{}]")],
  ["no list", '{"a":1}'],
  ["levels", "[".repeat(200_000)],
  [
    "an entry of 300,000 metadata",
    `[{"entryId":"1","metadata":{${Array.from({ length: 300_000 }, (_, i) => `"m${i}":""`).join()}}}]`,
  ],
  ["an entry of the wrong kind", "[1]"],
  ["another kind of ID", '[{"entryId":1}]'],
])("a bulk of %s is refused", async (_, body) => {
  for (const path of ["/v1.0/publish/bulk", "/v1.0-alpha1/publish/bulk"]) {
    const { result: reply, stallMs } = await besideHealth(sidecar, () =>
      sidecar.call("POST", `${path}/bus/t`, { body }),
    );
    expect(stallMs).toBeLessThan(stallLimitMs);
    expect(reply.status).toBe(400);
    expect(reply.json()).toMatchObject({ errorCode: "ERR_PUBSUB_EVENTS_SER" });
  }
});

test.each([
  ["no text", '[{"entryId":"1","event":{},"contentType":"text/plain"}]'],
  [
    "no Base64",
    '[{"entryId":"1","event":"%","contentType":"application/octet-stream"}]',
  ],
  ["no content type", '[{"entryId":"1","event":{}}]'],
  ["another one", '[{"entryId":"1","event":"x","contentType":"image/png"}]'],
])(
  "an event that is %s though its entry says so is refused",
  async (_, body) => {
    const reply = await overHttp("bulk/bus/t", json, body);
    expect(reply.status).toBe(400);
    expect(reply.json()).toMatchObject({
      errorCode: "ERR_PUBSUB_EVENTS_SER",
      message: expect.stringContaining(
        "error when marshalling cloud event envelope for topic t pubsub bus: error: ",
      ),
    });
  },
);

test("ten thousand entries hold nobody up", async () => {
  const entries = Array.from({ length: 10_000 }, (_, i) => ({
    entryId: `${i}`,
    event: Buffer.from('{"a":[1,2,3]}'),
    contentType: json,
    metadata: { "cloudevent.id": `${i}` },
  }));
  const { result, stallMs } = await besideHealth(sidecar, () =>
    api.call("BulkPublishEvent", { pubsubName: "bus", topic: "t", entries }),
  );
  expect(result.code).toBe(0);
  expect(stallMs).toBeLessThan(stallLimitMs);
});

test("names and metadata of a megabyte are told back shortened, and published where they may be", async () => {
  const long = "x".repeat(1024 * 1024);
  expect((await overGrpc({ topic: long, data: Buffer.from("1") })).code).toBe(
    0,
  );
  const metadata = { [long]: long, __proto__x: "y" };
  expect((await overGrpc({ metadata, data: Buffer.from("1") })).code).toBe(0);
  for (const request of [
    { pubsubName: long },
    { pubsubName: "\0nope\n" },
    { metadata: { rawPayload: long } },
    { topic: "", metadata },
  ]) {
    const { code, text, details } = await overGrpc(request);
    expect(nameOf(code)).toBe("INVALID_ARGUMENT");
    expect(text.length).toBeLessThan(1000);
    expect(JSON.stringify(details).length).toBeLessThan(4000);
  }
});

test.each(["__proto__", "constructor", "toString"])(
  "there is no component %s",
  async (name) => {
    const reply = await overHttp(`${name}/t?metadata.__proto__=x`, json, "1");
    expect(reply.json()).toMatchObject({
      errorCode: "ERR_PUBSUB_NOT_FOUND",
      message: `pubsub ${name} is not found`,
    });
  },
);

test("a body that is too large is refused as the original refuses it", async () => {
  const body = "x".repeat(5 * 1024 * 1024);
  for (const [path, code, message] of [
    [
      "bus/t",
      "ERR_PUBSUB_PUBLISH_MESSAGE",
      "error when publishing to topic t in pubsub bus: stream too large",
    ],
    [
      "bulk/bus/t",
      "ERR_PUBSUB_EVENTS_SER",
      "error when unmarshaling the request for topic t pubsub bus: stream too large",
    ],
  ] as const)
    expect((await overHttp(path, json, body)).json()).toMatchObject({
      errorCode: code,
      message,
    });
});
