/** PublishEvent and BulkPublishEvent (docs/protocol/pubsub.md). */
import type { NewEntry, Outlet } from "../../blocks/pubsub/outlet.ts";
import type { PubSubs } from "../../blocks/pubsub/pubsub.ts";
import { binaryValue } from "../../net/grpc/metadata.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import * as proto from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { Empty } from "../../proto/gen/google/protobuf/empty.ts";
import {
  readBinaryTrace,
  readTrace,
  type Trace,
} from "../../shared/trace-context.ts";
import { maxEntries } from "../limits.ts";
import { toRecord } from "./maps.ts";
import { kept, unary, type Methods } from "./method.ts";

export function publishMethods(pubsubs: Pick<PubSubs, "outlet">): Methods {
  const publishBulk = unary(
    proto.BulkPublishRequest,
    proto.BulkPublishResponse,
    async ({ pubsubName, topic, entries, metadata }, call, server) => {
      const outlet = pubsubs.outlet(pubsubName, topic, toRecord(metadata));
      if (entries.length > maxEntries)
        throw outlet.errors.unmarshalEvents(
          topic,
          `${entries.length} entries are more than ${maxEntries}; send them in several requests`,
        );
      await outlet.publishBulk(
        entries.map((entry) => entryOf(outlet, entry)),
        traceOf(server.metadata),
        call,
      );
      return { failedEntries: [] };
    },
  );
  return {
    PublishEvent: unary(
      proto.PublishEventRequest,
      Empty,
      async (
        { pubsubName, topic, data, dataContentType, metadata },
        call,
        server,
      ) => {
        const outlet = pubsubs.outlet(pubsubName, topic, toRecord(metadata));
        await outlet.publish(
          { contentType: dataContentType, data: bytesFor(outlet, data) },
          traceOf(server.metadata),
          call,
        );
        return {};
      },
    ),
    BulkPublishEvent: publishBulk,
    BulkPublishEventAlpha1: publishBulk,
  };
}

/** An envelope is a copy anyway. */
const bytesFor = ({ isRaw }: Outlet, data: Uint8Array) =>
  isRaw ? kept(data) : data;

/** On the wire, no metadata and none of them are the same. */
const entryOf = (
  outlet: Outlet,
  { entryId, event, contentType, metadata }: proto.BulkPublishRequestEntry,
): NewEntry => ({
  entryId,
  contentType,
  data: bytesFor(outlet, event),
  ...(metadata.size > 0 ? { metadata: toRecord(metadata) } : {}),
});

function traceOf(headers: ServerCall["metadata"]): Trace | undefined {
  const state = first(headers["tracestate"]);
  const binary = binaryValue(headers, "grpc-trace-bin");
  return (
    (binary && readBinaryTrace(binary, state)) ??
    readTrace(first(headers["traceparent"]), state)
  );
}

const first = (value: string | string[] | undefined) =>
  Array.isArray(value) ? value[0] : value;
