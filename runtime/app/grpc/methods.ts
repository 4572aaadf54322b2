/** The methods that an app serves to its sidecar, as far as there is a block that calls them: paths and codecs (docs/protocol/app.md). */
import type { UnaryMethod } from "../../net/grpc/client.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import { decodeMessage, encodeMessage, type Codec } from "../../proto/codec.ts";
import {
  InvokeRequest,
  InvokeResponse,
} from "../../proto/gen/dapr/proto/common/v1/common.ts";
import {
  BindingEventRequest,
  BindingEventResponse,
  HealthCheckResponse,
  ListInputBindingsResponse,
  ListTopicSubscriptionsResponse,
  TopicEventBulkRequest,
  TopicEventBulkResponse,
  TopicEventRequest,
  TopicEventResponse,
} from "../../proto/gen/dapr/proto/runtime/v1/appcallback.ts";
import { Empty } from "../../proto/gen/google/protobuf/empty.ts";

export interface AppMethod<Request, Response> extends UnaryMethod<
  Request,
  Response
> {
  /** As errors call it. */
  name: string;
}

function method<Request, Response>(
  service: string,
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
): AppMethod<Request, Response> {
  return {
    name,
    path: `/dapr.proto.runtime.v1.${service}/${name}`,
    requestSerialize: (message) => encodeMessage(request, message),
    responseDeserialize(bytes) {
      try {
        return decodeMessage(response, bytes);
      } catch (error) {
        throw new GrpcError(
          grpcCode.internal,
          `the answer to ${name} can't be decoded`,
          { cause: error },
        );
      }
    },
  };
}

export const onInvoke = method(
  "AppCallback",
  "OnInvoke",
  InvokeRequest,
  InvokeResponse,
);
export const listInputBindings = method(
  "AppCallback",
  "ListInputBindings",
  Empty,
  ListInputBindingsResponse,
);
export const onBindingEvent = method(
  "AppCallback",
  "OnBindingEvent",
  BindingEventRequest,
  BindingEventResponse,
);
export const listTopicSubscriptions = method(
  "AppCallback",
  "ListTopicSubscriptions",
  Empty,
  ListTopicSubscriptionsResponse,
);
export const onTopicEvent = method(
  "AppCallback",
  "OnTopicEvent",
  TopicEventRequest,
  TopicEventResponse,
);
export const onBulkTopicEvent = method(
  "AppCallback",
  "OnBulkTopicEvent",
  TopicEventBulkRequest,
  TopicEventBulkResponse,
);
/** The same, as apps of an older SDK serve it. */
export const onBulkTopicEventAlpha1 = method(
  "AppCallbackAlpha",
  "OnBulkTopicEventAlpha1",
  TopicEventBulkRequest,
  TopicEventBulkResponse,
);
export const healthCheck = method(
  "AppCallbackHealthCheck",
  "HealthCheck",
  Empty,
  HealthCheckResponse,
);
