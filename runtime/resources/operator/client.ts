/**
 * The sidecar's calls to the control plane's operator (docs/protocol/kubernetes.md):
 * gRPC over TLS, the pod's service account token with each call.
 */
import { createGrpcClient } from "../../net/grpc/client.ts";
import { GrpcError, grpcCode, nameOfCode } from "../../net/grpc/status.ts";
import {
  operatorMethods,
  tokenMetadataKey,
  type GetResponse,
  type ListResponse,
  type OperatorMethod,
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
  /** Gives up the connection, and all calls that it has. */
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
  const colon = address.lastIndexOf(":");
  const target = {
    host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"),
    port: Number(address.slice(colon + 1)),
    trustAnchors,
    // A list of all objects has no limit.
    maxMessageBytes: 0,
  };
  let client = createGrpcClient(target);

  const identity = () => ({
    [tokenMetadataKey]: `Bearer ${readToken(tokenFile)}`,
  });
  const unary = async <Response>(
    name: ListName | GetName,
    request: OperatorRequest,
  ): Promise<Response> => {
    const method = operatorMethods[name] as unknown as OperatorMethod<Response>;
    const metadata = identity();
    try {
      return await client.unary(method, request, {
        metadata,
        timeoutMs: callMs,
      });
    } catch (error) {
      throw told(error);
    }
  };

  return {
    list: async (method) =>
      (await unary<ListResponse>(method, { namespace })).items,
    async get(method, name) {
      try {
        return (await unary<GetResponse>(method, { namespace, name })).item;
      } catch (error) {
        const { cause } = error as Error;
        const code = cause instanceof GrpcError ? cause.code : undefined;
        // This is how the operator says that it does not exist.
        if (code === grpcCode.unknown || code === grpcCode.notFound)
          return undefined;
        throw error;
      }
    },
    updates(method, onEvent) {
      const { path, requestSerialize, responseDeserialize } =
        operatorMethods[method];
      const metadata = identity();
      const canceled = new AbortController();
      const registered = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      const late = setTimeout(
        () => canceled.abort(new Error(`no answer within ${callMs / 1000} s`)),
        callMs,
      );
      const end = (error?: Error) => {
        clearTimeout(late);
        registered.reject(error ?? new Error("the stream ended"));
        if (error) ended.reject(error);
        else ended.resolve();
      };
      client
        .start(
          path,
          {
            onHead() {
              clearTimeout(late);
              registered.resolve();
            },
            onMessage: (bytes) => onEvent(responseDeserialize(bytes)),
            onEnd: (error) => end(error && told(error)),
          },
          {
            metadata,
            signal: canceled.signal,
            whole: [requestSerialize({ namespace })],
          },
        )
        .catch((error: unknown) => end(told(error)));
      // A caller that waits for one of them need not wait for the other.
      for (const { promise } of [registered, ended]) promise.catch(() => {});
      return {
        registered: registered.promise,
        ended: ended.promise,
        cancel: () => canceled.abort(new Error("the stream was called off")),
      };
    },
    reconnect() {
      client.close();
      client = createGrpcClient(target);
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

/** A call that was answered tells its code; a connection that failed only why. */
function told(error: unknown): Error {
  if (!(error instanceof GrpcError)) return error as Error;
  return error.code === grpcCode.unavailable
    ? new Error(error.message, { cause: error })
    : new Error(`${nameOfCode(error.code)}: ${error.message}`, {
        cause: error,
      });
}
