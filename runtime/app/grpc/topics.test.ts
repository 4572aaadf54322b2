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
