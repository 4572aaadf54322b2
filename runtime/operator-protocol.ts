/**
 * The operator's gRPC API, `dapr.proto.operator.v1.Operator`, as both ends speak it (spec grpc §5). Payloads are the JSON of
 * whole Kubernetes objects, so the messages around them are few fields; they are written by hand and need no schema at run time.
 */
import type { MethodDefinition } from "@grpc/grpc-js";

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
  /** 1 created, 2 updated, 3 deleted (then `item` is the object as it was). */
  type: number;
}

export const eventType = { created: 1, updated: 2, deleted: 3 } as const;

const service = "/dapr.proto.operator.v1.Operator/";

/** How a call carries the caller's service account token, until certificates take its place. */
export const tokenMetadataKey = "authorization";

/** The calls that are served; all others of the service are answered Unimplemented, as older operators do. */
export const operatorMethods = {
  ListComponents: list("ListComponents", { namespace: 1 }),
  ListSubscriptionsV2: list("ListSubscriptionsV2", { namespace: 2 }),
  ListResiliency: list("ListResiliency", { namespace: 1 }),
  ListHTTPEndpoints: list("ListHTTPEndpoints", { namespace: 1 }),
  GetConfiguration: get("GetConfiguration"),
  GetResiliency: get("GetResiliency"),
  ComponentUpdate: updates("ComponentUpdate"),
  SubscriptionUpdate: updates("SubscriptionUpdate"),
  HTTPEndpointUpdate: updates("HTTPEndpointUpdate"),
  ConfigurationUpdate: updates("ConfigurationUpdate"),
  ResiliencyUpdate: updates("ResiliencyUpdate"),
} as const;

type FieldNumbers = { namespace: number; name?: number };

function list(
  name: string,
  fields: FieldNumbers,
): MethodDefinition<OperatorRequest, ListResponse> {
  return {
    ...method(name, fields, false),
    responseSerialize: ({ items }) =>
      Buffer.concat(items.map((item) => bytesField(1, item))),
    responseDeserialize: (buffer) => ({
      items: readFields(buffer)
        .filter(({ field }) => field === 1)
        .map(({ bytes }) => bytes),
    }),
  };
}

function get(name: string): MethodDefinition<OperatorRequest, GetResponse> {
  return {
    ...method(name, { name: 1, namespace: 2 }, false),
    responseSerialize: ({ item }) => bytesField(1, item),
    responseDeserialize: (buffer) => ({
      item: readFields(buffer).find(({ field }) => field === 1)?.bytes ?? none,
    }),
  };
}

function updates(name: string): MethodDefinition<OperatorRequest, UpdateEvent> {
  return {
    ...method(name, { namespace: 1 }, true),
    responseSerialize: ({ item, type }) =>
      Buffer.concat([bytesField(1, item), Buffer.from([2 << 3, type])]),
    responseDeserialize: (buffer) => {
      const event: UpdateEvent = { item: none, type: 0 };
      for (const { field, bytes, value } of readFields(buffer)) {
        if (field === 1) event.item = bytes;
        if (field === 2) event.type = value;
      }
      return event;
    },
  };
}

function method(name: string, fields: FieldNumbers, responseStream: boolean) {
  return {
    path: service + name,
    requestStream: false,
    responseStream,
    requestSerialize: (request: OperatorRequest) =>
      Buffer.concat([
        ...(fields.name ? [textField(fields.name, request.name ?? "")] : []),
        textField(fields.namespace, request.namespace),
      ]),
    requestDeserialize: (buffer: Buffer) => {
      const request: OperatorRequest = { namespace: "" };
      for (const { field, bytes } of readFields(buffer)) {
        if (field === fields.namespace)
          request.namespace = Buffer.from(bytes).toString("utf8");
        if (field === fields.name)
          request.name = Buffer.from(bytes).toString("utf8");
      }
      return request;
    },
  };
}

const none = new Uint8Array(0);

interface Field {
  field: number;
  bytes: Uint8Array;
  value: number;
}

/** Protobuf's wire format: a key (field number and wire type), then a number or a length and bytes. */
function readFields(buffer: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = buffer[at++];
      if (byte === undefined || scale > 2 ** 63)
        throw new Error("a message of the operator's API ends in a number");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < buffer.length) {
    const key = varint();
    const wireType = key & 7;
    let bytes: Uint8Array = none;
    let value = 0;
    if (wireType === 0) value = varint();
    else {
      const length = wireType === 2 ? varint() : wireType === 1 ? 8 : 4;
      if (![1, 2, 5].includes(wireType) || at + length > buffer.length)
        throw new Error("a message of the operator's API is malformed");
      bytes = buffer.subarray(at, (at += length));
    }
    fields.push({ field: Math.floor(key / 8), bytes, value });
  }
  return fields;
}

function textField(field: number, text: string): Buffer {
  return text === ""
    ? Buffer.alloc(0)
    : bytesField(field, Buffer.from(text, "utf8"));
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  const head = [(field << 3) | 2];
  let length = bytes.length;
  for (; length >= 0x80; length = Math.floor(length / 128))
    head.push((length & 0x7f) | 0x80);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}
