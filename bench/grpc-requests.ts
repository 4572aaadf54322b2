/** The load generator's calls of the gRPC API: the same orders as in requests.ts. */
import {
  decodeMessage,
  encodeMessage,
  type Codec,
} from "../runtime/proto/codec.ts";
import {
  HTTPExtension_Verb,
  InvokeResponse,
} from "../runtime/proto/gen/dapr/proto/common/v1/common.ts";
import {
  GetStateRequest,
  GetStateResponse,
  InvokeBindingRequest,
  InvokeServiceRequest,
  SaveStateRequest,
} from "../runtime/proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { isOrder, order } from "./orders.ts";

interface GrpcKind {
  /** Of Dapr's service, or the path of a service of the app `target`. */
  method: string;
  /** `target` is the name of a component or an app. */
  request(target: string, id: number, sentAtUs: number): Buffer;
  /** Whether the message of a call that went well belongs to this order. */
  isAnswer(message: Buffer, id: number): boolean;
}

const anyAnswer = () => true;
const none = new Map<string, string>();

export const grpcKinds = {
  "grpc-bind": {
    method: "InvokeBinding",
    request: (name, id, sentAtUs) =>
      encodeMessage(InvokeBindingRequest, {
        name,
        operation: "create",
        data: Buffer.from(order(id, sentAtUs)),
        metadata: none,
      }),
    isAnswer: anyAnswer,
  },
  "grpc-save": {
    method: "SaveState",
    request: (storeName, id, sentAtUs) =>
      encodeMessage(SaveStateRequest, {
        storeName,
        states: [
          {
            key: `order-${id}`,
            value: Buffer.from(order(id, sentAtUs)),
            etag: undefined,
            metadata: none,
            options: undefined,
          },
        ],
      }),
    isAnswer: anyAnswer,
  },
  "grpc-get": {
    method: "GetState",
    request: (storeName, id) =>
      encodeMessage(GetStateRequest, {
        storeName,
        key: `order-${id}`,
        consistency: 0,
        metadata: none,
      }),
    isAnswer: (message, id) =>
      isOrder(textOf(read(GetStateResponse, message)?.data), id),
  },
  "grpc-call": {
    method: "InvokeService",
    request: (id, number, sentAtUs) =>
      encodeMessage(InvokeServiceRequest, {
        id,
        message: {
          method: "echo",
          data: {
            typeUrl: "",
            value: Buffer.from(order(number, sentAtUs)),
          },
          contentType: "application/json",
          httpExtension: { verb: HTTPExtension_Verb.POST, querystring: "" },
        },
      }),
    isAnswer: (message, id) =>
      isOrder(textOf(read(InvokeResponse, message)?.data?.value), id),
  },
  /** No sidecar reads the message. */
  "grpc-proxied": {
    method: "/bench.Echo/Echo",
    request: (_, id, sentAtUs) => Buffer.from(order(id, sentAtUs)),
    isAnswer: (message, id) => isOrder(textOf(message), id),
  },
} satisfies Record<string, GrpcKind>;

export type GrpcKindName = keyof typeof grpcKinds;

function read<M>(codec: Codec<M>, message: Buffer): M | undefined {
  try {
    return decodeMessage(codec, message);
  } catch {
    return undefined;
  }
}

const textOf = (data: Uint8Array | undefined) =>
  Buffer.from(data ?? []).toString("latin1");
