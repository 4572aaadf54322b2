/** GetMetadata, SetMetadata and Shutdown (docs/protocol/http-api.md has the same over HTTP). */
import {
  ActorRuntime_ActorRuntimeStatus,
  GetMetadataResponse,
  PubsubSubscriptionType,
  SetMetadataRequest,
} from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { Empty } from "../../proto/gen/google/protobuf/empty.ts";
import type { Description, Operations } from "../operations.ts";
import { toMap } from "./maps.ts";
import { unary, type Methods } from "./method.ts";

export const operationMethods = (sidecar: Operations): Methods => ({
  // The requests of the first and the last have no fields.
  GetMetadata: unary(Empty, GetMetadataResponse, () =>
    toMessage(sidecar.description()),
  ),

  SetMetadata: unary(SetMetadataRequest, Empty, ({ key, value }) => {
    if (key !== "") sidecar.setMetadata(key, value);
    return {};
  }),

  Shutdown: unary(Empty, Empty, (_, __, call) => {
    const isForced = call.metadata["dapr-force-shutdown"] === "true";
    call.onClose(() => sidecar.shutdown(isForced));
    return {};
  }),
});

function toMessage(sidecar: Description): GetMetadataResponse {
  const { actorRuntime, appConnection } = sidecar;
  return {
    ...GetMetadataResponse.decode(new Uint8Array(0)),
    id: sidecar.id,
    runtimeVersion: sidecar.runtimeVersion,
    enabledFeatures: [...sidecar.enabledFeatures],
    registeredComponents: sidecar.components.map((component) => ({
      ...component,
      capabilities: [...component.capabilities],
    })),
    subscriptions: sidecar.subscriptions.map((one) => ({
      pubsubName: one.pubsub,
      topic: one.topic,
      metadata: toMap(one.metadata),
      rules: { rules: one.rules.map((rule) => ({ ...rule })) },
      deadLetterTopic: one.deadLetterTopic ?? "",
      type: PubsubSubscriptionType[one.origin],
    })),
    extendedMetadata: toMap(sidecar.extended),
    httpEndpoints: sidecar.httpEndpoints.map((name) => ({ name })),
    appConnectionProperties: {
      ...appConnection,
      health: appConnection.health,
    },
    actorRuntime: {
      ...actorRuntime,
      runtimeStatus:
        ActorRuntime_ActorRuntimeStatus[actorRuntime.runtimeStatus],
      activeActors: [],
    },
  };
}
