/**
 * The sidecar's calls to the control plane's operator (docs/protocol/kubernetes.md):
 * gRPC over TLS, the pod's service account token with each call.
 */
import {
  Client,
  credentials,
  Metadata,
  status,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  operatorMethods,
  tokenMetadataKey,
  type GetResponse,
  type ListResponse,
  type OperatorRequest,
  type UpdateEvent,
} from "../../proto/operator-methods.ts";
import {
  maxSettingsBytes,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";

export interface OperatorClientOptions {
  /** `HOST:PORT`; its certificate must name the host. */
  address: string;
  /** PEM of one or more roots. */
  trustAnchors: string;
  /** It is read for each call, as the kubelet renews it. */
  tokenFile: string;
  /** The pod's namespace. */
  namespace: string;
}

type Methods = typeof operatorMethods;
type MethodName<Prefix extends string, Suffix extends string> = Extract<
  keyof Methods,
  `${Prefix}${string}${Suffix}`
>;
export type ListName = MethodName<"List", "">;
export type GetName = MethodName<"Get", "">;
export type UpdateName = MethodName<"", "Update">;

export interface UpdateStream {
  /** Resolves once no change is missed from here on. */
  registered: Promise<void>;
  /** Settles when the stream is over. */
  ended: Promise<void>;
  cancel(): void;
}

export interface OperatorClient {
  /** JSON of the objects that this pod may see. */
  list(method: ListName): Promise<Uint8Array[]>;
  /** JSON of the object; undefined if there is none of that name. */
  get(method: GetName, name: string): Promise<Uint8Array | undefined>;
  updates(
    method: UpdateName,
    onEvent: (event: UpdateEvent) => void,
  ): UpdateStream;
  /** Gives up the connection: an attempt that gets no answer would take half a minute. */
  reconnect(): void;
  close(): void;
}

/** The time limit of a list; as in the original. */
const callMs = 5000;

export function connectOperator({
  address,
  trustAnchors,
  tokenFile,
  namespace,
}: OperatorClientOptions): OperatorClient {
  const identityOfServer = credentials.createSsl(Buffer.from(trustAnchors));
  const connect = () =>
    new Client(address, identityOfServer, {
      // Keep-alive, so that an operator whose node is gone is noticed.
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 5000,
      "grpc.initial_reconnect_backoff_ms": 500,
      "grpc.max_reconnect_backoff_ms": 5000,
      "grpc.max_receive_message_length": -1,
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_channelz": 0,
    });
  let client = connect();

  const identity = () => {
    const metadata = new Metadata();
    metadata.set(tokenMetadataKey, `Bearer ${readToken(tokenFile)}`);
    return metadata;
  };
  const unary = async <Response>(
    name: ListName | GetName,
    request: OperatorRequest,
  ): Promise<Response> => {
    const { path, requestSerialize, responseDeserialize } =
      operatorMethods[name];
    const metadata = identity();
    return new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (buffer: Buffer) => Response,
        request,
        metadata,
        { deadline: Date.now() + callMs },
        (error, response) =>
          error ? reject(told(error)) : resolve(response as Response),
      ),
    );
  };

  return {
    list: async (method) =>
      (await unary<ListResponse>(method, { namespace })).items,
    async get(method, name) {
      try {
        return (await unary<GetResponse>(method, { namespace, name })).item;
      } catch (error) {
        const { code } = (error as Error).cause as ServiceError;
        // This is how the operator says that it does not exist.
        if (code === status.UNKNOWN || code === status.NOT_FOUND)
          return undefined;
        throw error;
      }
    },
    updates(method, onEvent) {
      const { path, requestSerialize, responseDeserialize } =
        operatorMethods[method];
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { namespace },
        identity(),
      );
      const registered = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      const late = setTimeout(() => {
        registered.reject(new Error(`no answer within ${callMs / 1000} s`));
        call.cancel();
      }, callMs);
      const end = (error?: Error) => {
        clearTimeout(late);
        registered.reject(error ?? new Error("the stream ended"));
        if (error) ended.reject(error);
        else ended.resolve();
      };
      call.on("metadata", () => {
        clearTimeout(late);
        registered.resolve();
      });
      call.on("data", onEvent);
      call.on("error", (error: ServiceError) => end(told(error)));
      call.on("end", () => end());
      // A caller that waits for one of them need not wait for the other.
      for (const { promise } of [registered, ended]) promise.catch(() => {});
      return {
        registered: registered.promise,
        ended: ended.promise,
        cancel: () => call.cancel(),
      };
    },
    reconnect() {
      client.close();
      client = connect();
    },
    close: () => client.close(),
  };
}

function readToken(file: string): string {
  try {
    return readRegular(file, maxSettingsBytes).trim();
  } catch (error) {
    throw new Error(
      `the service account token ${file} can't be read: ${whyUnread(error)}; the pod needs the volume that the injector adds`,
      { cause: error },
    );
  }
}

/** The error in the words of its cause, without gRPC's own. */
const told = (error: ServiceError) => {
  const refused =
    /^No connection established\. Last error: (?:Error: )?(.+?)\. Resolution note:/;
  return new Error(
    error.code === status.UNAVAILABLE
      ? (refused.exec(error.details)?.[1] ?? error.details)
      : `${status[error.code]}: ${error.details}`,
    { cause: error },
  );
};
