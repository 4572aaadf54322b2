/**
 * The messages of `dapr.proto.internals.v1.ServiceInvocation` that carry a call
 * (docs/protocol/sidecars.md): the fields that matter to a sidecar, as plain data.
 */
import { metadataFields, readMetadata, type Metadata } from "./metadata.ts";
import {
  bytesField,
  join,
  messageField,
  numberField,
  readFields,
  textField,
  type Parts,
} from "./protobuf.ts";

/** `InternalInvokeRequest` with its `InvokeRequest`. */
export interface InvokeRequest {
  /** `APIVersion`; 1 is the only one. */
  version: number;
  metadata: Metadata;
  /** `undefined` if the message is missing, which makes the request invalid. */
  message:
    | {
        method: string;
        /** Empty between the two messages of a stream. */
        data: Buffer;
        /** Set by gRPC callers that pass a message of their own. */
        typeUrl: string;
        contentType: string;
        /** `HTTPExtension.Verb`; `undefined` without the extension. */
        verb: number | undefined;
        query: string;
      }
    | undefined;
}

/** `InternalInvokeResponse` with its `InvokeResponse`. */
export interface InvokeResponse {
  /** A gRPC code below 100, else an HTTP status; `undefined` if missing. */
  status: { code: number; message: string } | undefined;
  headers: Metadata;
  data: Buffer;
  typeUrl: string;
  contentType: string;
}

/** `StreamPayload`: a piece of a body, counted from 0. */
export interface Payload {
  data: Uint8Array;
  seq: number;
}

export interface RequestPart {
  request?: InvokeRequest;
  payload?: Payload;
}

export interface ResponsePart {
  response?: InvokeResponse;
  payload?: Payload;
}

const noBytes = Buffer.alloc(0);

/** `google.protobuf.Any`. */
const anyField = (field: number, typeUrl: string, data: Uint8Array): Parts =>
  messageField(field, [...textField(1, typeUrl), ...bytesField(2, data)]);

function readAny(any: Buffer): { typeUrl: string; data: Buffer } {
  const read: { typeUrl: string; data: Buffer } = {
    typeUrl: "",
    data: noBytes,
  };
  readFields(any, ({ id, bytes }) => {
    if (id === 1) read.typeUrl = bytes.toString("utf8");
    else if (id === 2) read.data = bytes;
  });
  return read;
}

function requestFields({ version, metadata, message }: InvokeRequest): Parts {
  const parts = [...numberField(1, version), ...metadataFields(2, metadata)];
  if (message)
    parts.push(
      ...messageField(3, [
        ...textField(1, message.method),
        ...anyField(2, message.typeUrl, message.data),
        ...textField(3, message.contentType),
        ...(message.verb === undefined
          ? []
          : messageField(4, [
              ...numberField(1, message.verb),
              ...textField(2, message.query),
            ])),
      ]),
    );
  return parts;
}

export const encodeRequest = (request: InvokeRequest): Buffer =>
  join(requestFields(request));

export function decodeRequest(bytes: Buffer): InvokeRequest {
  const request: InvokeRequest = {
    version: 0,
    metadata: new Map(),
    message: undefined,
  };
  readFields(bytes, (field) => {
    if (field.id === 1) request.version = field.number;
    else if (field.id === 2) readMetadata(field.bytes, request.metadata);
    else if (field.id === 3) request.message = readMessage(field.bytes);
  });
  return request;
}

function readMessage(bytes: Buffer): NonNullable<InvokeRequest["message"]> {
  const message: NonNullable<InvokeRequest["message"]> = {
    method: "",
    data: noBytes,
    typeUrl: "",
    contentType: "",
    verb: undefined,
    query: "",
  };
  readFields(bytes, (field) => {
    if (field.id === 1) message.method = field.bytes.toString("utf8");
    else if (field.id === 2) Object.assign(message, readAny(field.bytes));
    else if (field.id === 3) message.contentType = field.bytes.toString("utf8");
    else if (field.id === 4) {
      message.verb = 0;
      readFields(field.bytes, ({ id, number, bytes: text }) => {
        if (id === 1) message.verb = number;
        else if (id === 2) message.query = text.toString("utf8");
      });
    }
  });
  return message;
}

function responseFields(response: InvokeResponse): Parts {
  const { status } = response;
  return [
    ...(status
      ? messageField(1, [
          ...numberField(1, status.code),
          ...textField(2, status.message),
        ])
      : []),
    ...metadataFields(2, response.headers),
    ...messageField(4, [
      ...(response.data.length > 0 || response.typeUrl !== ""
        ? anyField(1, response.typeUrl, response.data)
        : []),
      ...textField(2, response.contentType),
    ]),
  ];
}

export const encodeResponse = (response: InvokeResponse): Buffer =>
  join(responseFields(response));

export function decodeResponse(bytes: Buffer): InvokeResponse {
  const response: InvokeResponse = {
    status: undefined,
    headers: new Map(),
    data: noBytes,
    typeUrl: "",
    contentType: "",
  };
  readFields(bytes, (field) => {
    if (field.id === 1) {
      const status = { code: 0, message: "" };
      readFields(field.bytes, ({ id, number, bytes: text }) => {
        if (id === 1) status.code = number;
        else if (id === 2) status.message = text.toString("utf8");
      });
      response.status = status;
    } else if (field.id === 2) readMetadata(field.bytes, response.headers);
    else if (field.id === 4)
      readFields(field.bytes, ({ id, bytes: inner }) => {
        if (id === 1) Object.assign(response, readAny(inner));
        else if (id === 2) response.contentType = inner.toString("utf8");
      });
  });
  return response;
}

const payloadField = ({ data, seq }: Payload): Parts =>
  messageField(2, [...bytesField(1, data), ...numberField(2, seq)]);

function readPayload(bytes: Buffer): Payload {
  const payload: Payload = { data: noBytes, seq: 0 };
  readFields(bytes, (field) => {
    if (field.id === 1) payload.data = field.bytes;
    else if (field.id === 2) payload.seq = field.number;
  });
  return payload;
}

export const encodeRequestPart = ({ request, payload }: RequestPart): Buffer =>
  join([
    ...(request ? messageField(1, requestFields(request)) : []),
    ...(payload ? payloadField(payload) : []),
  ]);

export function decodeRequestPart(bytes: Buffer): RequestPart {
  const part: RequestPart = {};
  readFields(bytes, (field) => {
    if (field.id === 1) part.request = decodeRequest(field.bytes);
    else if (field.id === 2) part.payload = readPayload(field.bytes);
  });
  return part;
}

export const encodeResponsePart = ({
  response,
  payload,
}: ResponsePart): Buffer =>
  join([
    ...(response ? messageField(1, responseFields(response)) : []),
    ...(payload ? payloadField(payload) : []),
  ]);

export function decodeResponsePart(bytes: Buffer): ResponsePart {
  const part: ResponsePart = {};
  readFields(bytes, (field) => {
    if (field.id === 1) part.response = decodeResponse(field.bytes);
    else if (field.id === 2) part.payload = readPayload(field.bytes);
  });
  return part;
}
