/** A client of the gRPC API made of other people's code: `@grpc/grpc-js`, and protobufjs, which reads the same .proto files. */
import {
  Client,
  credentials,
  Metadata,
  status,
  type CallOptions,
  type ClientDuplexStream,
  type ChannelOptions,
  type ServiceError,
} from "@grpc/grpc-js";
import { root, type Message } from "./proto-services.ts";

root.loadSync([
  "dapr/proto/runtime/v1/dapr.proto",
  "google/rpc/status.proto",
  "google/rpc/error_details.proto",
  "grpc/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto",
  "grpc/reflection/v1alpha/reflection.proto",
]);
root.resolveAll();

export const dapr = "dapr.proto.runtime.v1.Dapr";

export interface GrpcReply {
  /** The status code; 0 is OK. */
  code: number;
  /** The status's text. */
  text: string;
  /** Undefined when the call failed. */
  reply: Message | undefined;
  /** The metadata before the message, and that with the status. */
  header: Record<string, unknown>;
  trailer: Record<string, unknown>;
  /** The details in `grpc-status-details-bin`, each with its `@type`. */
  details: Message[];
}

export interface GrpcOptions extends CallOptions {
  metadata?: Record<string, string>;
  /** The service, if not Dapr's. */
  service?: string;
}

export interface GrpcApi {
  client: Client;
  /** Makes a call. Never rejects: a failed call is a reply too. */
  call(
    method: string,
    request?: Message,
    options?: GrpcOptions,
  ): Promise<GrpcReply>;
  /** Makes a streaming call. Resolves with all messages of the answer. */
  stream(
    method: string,
    requests: Message[],
    options?: GrpcOptions,
  ): Promise<Message[]>;
  /** Opens a streaming call of Dapr's service. */
  open(method: string): ClientDuplexStream<Message, Message>;
  close(): void;
}

const opened = new Set<GrpcApi>();

/** For afterEach: closes every client that a test left. */
export function closeGrpc(): void {
  for (const api of opened) api.close();
}

/** Opens a client. `target` is a port of 127.0.0.1, or an address for grpc-js. */
export function openGrpc(
  target: number | string,
  options: ChannelOptions = {},
): GrpcApi {
  const client = new Client(
    typeof target === "number" ? `127.0.0.1:${target}` : target,
    credentials.createInsecure(),
    {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
      ...options,
    },
  );
  const api: GrpcApi = {
    client,
    call: (method, request = {}, { metadata, service = dapr, ...rest } = {}) =>
      new Promise((resolve) => {
        const { path, encode, decode } = codecs(service, method);
        let header: Metadata | undefined;
        let reply: Message | undefined;
        let failure: ServiceError | undefined;
        const call = client.makeUnaryRequest(
          path,
          encode,
          decode,
          request,
          metadataOf(metadata),
          rest,
          (error, message) => {
            failure = error ?? undefined;
            reply = message;
          },
        );
        call.on("metadata", (seen: Metadata) => (header = seen));
        call.on("status", ({ code, details, metadata: trailer }) =>
          setImmediate(() =>
            resolve({
              // An error of the client itself has no status from the server.
              code: failure?.code ?? code,
              text: failure?.details ?? details,
              reply,
              header: header?.getMap() ?? {},
              trailer: trailer.getMap(),
              details: detailsOf(trailer),
            }),
          ),
        );
      }),
    stream: (method, requests, { metadata, service = dapr, ...rest } = {}) =>
      new Promise((resolve, reject) => {
        const { path, encode, decode } = codecs(service, method);
        const call = client.makeBidiStreamRequest(
          path,
          encode,
          decode,
          metadataOf(metadata),
          rest,
        );
        const messages: Message[] = [];
        call.on("data", (message: Message) => messages.push(message));
        call.on("error", reject);
        call.on("end", () => resolve(messages));
        for (const request of requests) call.write(request);
        call.end();
      }),
    open(method) {
      const { path, encode, decode } = codecs(dapr, method);
      return client.makeBidiStreamRequest(path, encode, decode);
    },
    close() {
      opened.delete(api);
      client.close();
    },
  };
  opened.add(api);
  return api;
}

function metadataOf(values: Record<string, string> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

/** A method that the service does not have has messages without fields. */
function codecs(service: string, name: string) {
  const found = root.lookupService(service).methods[name];
  const request = found?.resolvedRequestType;
  const response = found?.resolvedResponseType;
  return {
    path: `/${service}/${name}`,
    encode: (message: Message) =>
      Buffer.from(request?.encode(request.fromObject(message)).finish() ?? []),
    decode: (bytes: Buffer): Message =>
      response
        ? (response.toObject(response.decode(bytes), {
            bytes: Buffer,
            enums: String,
            defaults: true,
          }) as Message)
        : {},
  };
}

function detailsOf(trailer: Metadata): Message[] {
  const [bytes] = trailer.get("grpc-status-details-bin");
  if (!bytes) return [];
  const type = root.lookupType("google.rpc.Status");
  const { details } = type.decode(bytes as Buffer) as unknown as {
    details: { type_url: string; value: Uint8Array }[];
  };
  return details.map(({ type_url: url, value }) => {
    const name = url.slice(url.lastIndexOf("/") + 1);
    const detail = root.lookupType(name);
    return {
      "@type": name,
      ...(detail.toObject(detail.decode(value)) as Message),
    };
  });
}

/** The name of a status code, such as `INVALID_ARGUMENT`. */
export const nameOf = (code: number): string => status[code]!;

/** A request's bytes, without their frame. */
export const encodeRequest = (
  service: string,
  method: string,
  request: Message,
): Buffer => codecs(service, method).encode(request);
