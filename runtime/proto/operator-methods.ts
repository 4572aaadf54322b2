/**
 * The operator's gRPC API, `dapr.proto.operator.v1.Operator`, as both ends speak it. Payloads are the JSON of whole
 * Kubernetes objects. Each method has a message of its own for the same few fields; here they have one shape.
 */
import { decodeMessage, encodeMessage, type Codec } from "./codec.ts";
import * as proto from "./gen/dapr/proto/operator/v1/operator.ts";

/** Namespace, and a name where the call is for one object. */
export interface OperatorRequest {
  namespace: string;
  name?: string;
}

/** JSON bytes of the objects. */
export interface ListResponse {
  items: Uint8Array[];
}

/** JSON bytes of the one object. */
export interface GetResponse {
  item: Uint8Array;
}

export interface UpdateEvent {
  item: Uint8Array;
  /** When deleted, `item` is the object as it was. */
  type: proto.ResourceEventType;
}

export const eventType = {
  created: proto.ResourceEventType.CREATED,
  updated: proto.ResourceEventType.UPDATED,
  deleted: proto.ResourceEventType.DELETED,
} as const;

/** One call of the service; `@grpc/grpc-js` takes it as a MethodDefinition. */
export interface OperatorMethod<Response> {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  requestSerialize(request: OperatorRequest): Buffer;
  requestDeserialize(bytes: Buffer): OperatorRequest;
  responseSerialize(response: Response): Buffer;
  responseDeserialize(bytes: Buffer): Response;
}

const service = "/dapr.proto.operator.v1.Operator/";

/** How a call carries the caller's service account token, until certificates take its place. */
export const tokenMetadataKey = "authorization";

/** The calls that are served; all others of the service are answered Unimplemented, as older operators do. */
export const operatorMethods = {
  ListComponents: list(
    "ListComponents",
    proto.ListComponentsRequest,
    proto.ListComponentResponse,
    "components",
  ),
  ListSubscriptionsV2: list(
    "ListSubscriptionsV2",
    proto.ListSubscriptionsRequest,
    proto.ListSubscriptionsResponse,
    "subscriptions",
  ),
  ListResiliency: list(
    "ListResiliency",
    proto.ListResiliencyRequest,
    proto.ListResiliencyResponse,
    "resiliencies",
  ),
  ListHTTPEndpoints: list(
    "ListHTTPEndpoints",
    proto.ListHTTPEndpointsRequest,
    proto.ListHTTPEndpointsResponse,
    "httpEndpoints",
  ),
  GetConfiguration: get(
    "GetConfiguration",
    proto.GetConfigurationRequest,
    proto.GetConfigurationResponse,
    "configuration",
  ),
  GetResiliency: get(
    "GetResiliency",
    proto.GetResiliencyRequest,
    proto.GetResiliencyResponse,
    "resiliency",
  ),
  ComponentUpdate: updates(
    "ComponentUpdate",
    proto.ComponentUpdateRequest,
    proto.ComponentUpdateEvent,
    "component",
  ),
  SubscriptionUpdate: updates(
    "SubscriptionUpdate",
    proto.SubscriptionUpdateRequest,
    proto.SubscriptionUpdateEvent,
    "subscription",
  ),
  HTTPEndpointUpdate: updates(
    "HTTPEndpointUpdate",
    proto.HTTPEndpointUpdateRequest,
    proto.HTTPEndpointUpdateEvent,
    "httpEndpoints",
  ),
  ConfigurationUpdate: updates(
    "ConfigurationUpdate",
    proto.ConfigurationUpdateRequest,
    proto.ConfigurationUpdateEvent,
    "configuration",
  ),
  ResiliencyUpdate: updates(
    "ResiliencyUpdate",
    proto.ResiliencyUpdateRequest,
    proto.ResiliencyUpdateEvent,
    "resiliency",
  ),
} as const;

/** `payload` is the name of the field that holds the objects. */
function list<K extends string>(
  name: string,
  request: RequestCodec,
  response: Codec<Record<K, Uint8Array[]>>,
  payload: K,
): OperatorMethod<ListResponse> {
  return {
    ...method(name, request, false),
    responseSerialize: ({ items }) =>
      encodeMessage(response, record(payload, items)),
    responseDeserialize: (bytes) => ({
      items: decode(response, bytes)[payload],
    }),
  };
}

function get<K extends string>(
  name: string,
  request: RequestCodec,
  response: Codec<Record<K, Uint8Array>>,
  payload: K,
): OperatorMethod<GetResponse> {
  return {
    ...method(name, request, false),
    responseSerialize: ({ item }) =>
      encodeMessage(response, record(payload, item)),
    responseDeserialize: (bytes) => ({
      item: decode(response, bytes)[payload],
    }),
  };
}

function updates<K extends string>(
  name: string,
  request: RequestCodec,
  event: Codec<Record<K, Uint8Array> & { type: proto.ResourceEventType }>,
  payload: K,
): OperatorMethod<UpdateEvent> {
  return {
    ...method(name, request, true),
    responseSerialize: ({ item, type }) =>
      encodeMessage(event, { ...record(payload, item), type }),
    responseDeserialize: (bytes) => {
      const { type, [payload]: item } = decode(event, bytes);
      return { item, type };
    },
  };
}

type RequestCodec = Codec<{ namespace: string; name?: string }>;

function method(name: string, codec: RequestCodec, responseStream: boolean) {
  return {
    path: service + name,
    requestStream: false,
    responseStream,
    requestSerialize: ({ namespace, name = "" }: OperatorRequest) =>
      encodeMessage(codec, { namespace, name }),
    requestDeserialize: (bytes: Buffer): OperatorRequest =>
      decode(codec, bytes),
  };
}

const record = <K extends string, V>(key: K, value: V) =>
  ({ [key]: value }) as Record<K, V>;

function decode<M>(codec: Codec<M>, bytes: Uint8Array): M {
  try {
    return decodeMessage(codec, bytes);
  } catch (error) {
    throw new Error("a message of the operator's API is malformed", {
      cause: error,
    });
  }
}
