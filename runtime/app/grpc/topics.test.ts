import { recordingLog } from "../../../tests/support/recording-log.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import type { TopicEventBulkRequest } from "../../proto/gen/dapr/proto/runtime/v1/appcallback.ts";
import type { Metadata } from "../../net/grpc/metadata.ts";
import type { Ask } from "./delivery.ts";
import { onBulkTopicEvent, onBulkTopicEventAlpha1 } from "./methods.ts";
import { createTopics } from "./topics.ts";

test("bulks that go at the same time all find the older name of the method", async () => {
  const asked: unknown[] = [];
  const answered = Promise.withResolvers<void>();
  const ask = async (method: unknown, request: TopicEventBulkRequest) => {
    asked.push(method);
    if (method === onBulkTopicEvent) {
      // The second one learns it when the first one has its answer already.
      if (request.entries[0]!.entryId === "2") await answered.promise;
      throw new GrpcError(grpcCode.unimplemented, "no such method", {
        origin: "status",
      });
    }
    return {
      statuses: request.entries.map(({ entryId }) => ({ entryId, status: 0 })),
    };
  };
  const topics = createTopics(ask as unknown as Ask, recordingLog());
  const deliver = (entryId: string) =>
    topics.deliverEvents({
      id: entryId,
      pubsub: "bus",
      topic: "orders",
      path: "",
      metadata: {},
      entries: [
        {
          entryId,
          event: { raw: Buffer.from("x") },
          contentType: "text/plain",
          metadata: {},
        },
      ],
    });
  const second = deliver("2");
  expect(await deliver("1")).toEqual(["success"]);
  answered.resolve();
  expect(await second).toEqual(["success"]);
  expect(await deliver("3")).toEqual(["success"]);
  const [newer, older] = [onBulkTopicEvent, onBulkTopicEventAlpha1];
  expect(asked).toEqual([newer, newer, older, older, older]);
});

test("the metadata pubsubname is the component's alone, whatever the message has under it", async () => {
  const sent: Metadata[] = [];
  const ask = async (
    _method: unknown,
    request: TopicEventBulkRequest,
    { metadata }: { metadata: Metadata },
  ) => {
    sent.push(metadata);
    return {
      statuses: request.entries.map(({ entryId }) => ({ entryId, status: 0 })),
    };
  };
  const topics = createTopics(ask as unknown as Ask, recordingLog());
  await topics.deliverEvents({
    id: "1",
    pubsub: "rbus",
    topic: "orders",
    path: "",
    metadata: { pubsubName: "evil", PUBSUBNAME: "worse", ["__proto__"]: "pp" },
    entries: [],
  });
  expect(sent.map(Object.entries)).toEqual([
    [
      ["__proto__", "pp"],
      ["pubsubname", "rbus"],
    ],
  ]);
});

describe("an event whose data_base64 is no Base64", () => {
  const event = (data_base64: unknown) => ({
    parsed: () => ({ id: "1", data_base64 }),
    envelope: Buffer.alloc(0),
  });
  const asked: unknown[] = [];
  const ask = async (_method: unknown, request: TopicEventBulkRequest) => {
    asked.push(request);
    return {
      statuses: request.entries.map(({ entryId }) => ({ entryId, status: 0 })),
    };
  };
  const topics = createTopics(ask as unknown as Ask, recordingLog());
  beforeEach(() => asked.splice(0));
  const place = { pubsub: "bus", topic: "orders", path: "", metadata: {} };

  test.each(["!!notb64", "QQ", "Q===", "QQ=A", 7])(
    "does not reach the app: %j",
    async (data) => {
      await expect(
        topics.deliverEvent({ ...place, ...event(data) }),
      ).rejects.toThrow("the event's data_base64 is no Base64");
      expect(asked).toEqual([]);
    },
  );

  test("comes again alone where it is one of a bulk", async () => {
    const entry = (entryId: string, data: string) => ({
      entryId,
      event: event(data),
      contentType: "application/cloudevents+json",
      metadata: {},
    });
    expect(
      await topics.deliverEvents({
        id: "b",
        ...place,
        entries: [entry("1", "QQ=="), entry("2", "!!"), entry("3", "Q\nUI=")],
      }),
    ).toEqual([
      "success",
      new Error("the event's data_base64 is no Base64"),
      "success",
    ]);
    expect(asked).toMatchObject([
      {
        entries: [
          { entryId: "1", event: { value: { data: Buffer.from("A") } } },
          { entryId: "3", event: { value: { data: Buffer.from("AB") } } },
        ],
      },
    ]);
  });

  test("a bulk of none but such is not sent", async () => {
    const [outcome] = await topics.deliverEvents({
      id: "b",
      ...place,
      entries: [
        { entryId: "1", event: event("!!"), contentType: "", metadata: {} },
      ],
    });
    expect(outcome).toBeInstanceOf(Error);
    expect(asked).toEqual([]);
  });
});
