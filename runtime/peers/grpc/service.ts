/** The methods between sidecars as grpc-js wants them (docs/protocol/sidecars.md). */
import {
  decodeRequest,
  decodeRequestPart,
  decodeResponse,
  decodeResponsePart,
  encodeRequest,
  encodeRequestPart,
  encodeResponse,
  encodeResponsePart,
} from "./messages.ts";

const service = "/dapr.proto.internals.v1.ServiceInvocation";

export const callLocal = {
  path: `${service}/CallLocal`,
  requestStream: false,
  responseStream: false,
  requestSerialize: encodeRequest,
  requestDeserialize: decodeRequest,
  responseSerialize: encodeResponse,
  responseDeserialize: decodeResponse,
};

export const callLocalStream = {
  path: `${service}/CallLocalStream`,
  requestStream: true,
  responseStream: true,
  requestSerialize: encodeRequestPart,
  requestDeserialize: decodeRequestPart,
  responseSerialize: encodeResponsePart,
  responseDeserialize: decodeResponsePart,
};
