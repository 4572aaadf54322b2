/** The operator's gRPC API (docs/protocol/kubernetes.md): lists, single objects, and streams of changes, for the caller's own namespace. */
import {
  experimental,
  Metadata,
  Server,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type { Logger } from "../../shared/log.ts";
import {
  operatorMethods,
  tokenMetadataKey,
  type GetResponse,
  type ListResponse,
  type OperatorRequest,
  type UpdateEvent,
} from "../../proto/operator-methods.ts";
import type { ServingCertificate } from "../certificates/serving.ts";
import { operator } from "../names.ts";
import { CallerError, type Callers } from "./callers.ts";
import type { Feed } from "./feed.ts";
import type { Caller, DaprKind } from "./resources.ts";

export interface ApiServerOptions {
  feeds: Record<DaprKind, Feed>;
  callers: Callers;
  log: Logger;
  port?: number;
}

export interface ApiServer {
  port: number;
  /** Uses another certificate from now on; open connections keep theirs. */
  use(certificate: ServingCertificate): void;
  /** Ends the streams, so that sidecars connect elsewhere, then waits for calls under way. */
  close(): Promise<void>;
}

type Unary<Response> = (
  call: ServerUnaryCall<OperatorRequest, Response>,
  reply: sendUnaryData<Response>,
) => void;
type Stream = ServerWritableStream<OperatorRequest, UpdateEvent>;

const closeMs = 2_000;

export async function serveApi(
  options: ApiServerOptions,
  certificate: ServingCertificate,
): Promise<ApiServer> {
  const { feeds, log } = options;
  const streams = new Set<Stream>();
  const identity = changingIdentity();
  identity.use(certificate);
  const server = new Server({
    // The streams of a sidecar whose node is gone would stay open for ever.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
  });

  const list =
    (kind: DaprKind): Unary<ListResponse> =>
    (call, reply) =>
      answer(call, reply, async (caller) => ({
        items: await feeds[kind].list(caller),
      }));
  const get =
    (kind: DaprKind): Unary<GetResponse> =>
    (call, reply) =>
      answer(call, reply, async (caller) => {
        const name = call.request.name ?? "";
        const item = await feeds[kind].get(caller, name);
        if (!item)
          // as the original answers it
          throw new CallerError(
            status.UNKNOWN,
            `error getting ${kind} ${caller.namespace}/${name}: it does not exist, or ${kind === "configurations" ? `pod ${caller.pod} does not name it in dapr.io/config` : `app ${caller.appId} is not in its scopes`}`,
          );
        return { item };
      });
  const updates = (kind: DaprKind) => (call: Stream) => {
    identify(call.metadata, call.request)
      .then((caller) => {
        if (call.cancelled) return;
        const unfollow = feeds[kind].follow(caller, (event) => {
          call.write(event);
        });
        streams.add(call);
        const ended = () => {
          unfollow();
          streams.delete(call);
        };
        call.on("cancelled", ended).on("close", ended).on("error", ended);
        // Tells the sidecar that it misses no change from here on.
        call.sendMetadata(new Metadata());
      })
      // grpc-js sends what is emitted as the status; destroy() would send nothing
      .catch((error) => call.emit("error", toStatus(error)));
  };

  const identify = async (
    metadata: Metadata,
    request: OperatorRequest,
  ): Promise<Caller> => {
    const token = metadata.get(tokenMetadataKey)[0];
    const caller = await options.callers.identify(
      token === undefined ? undefined : String(token),
    );
    if (request.namespace !== caller.namespace)
      throw new CallerError(
        status.PERMISSION_DENIED,
        `pod ${caller.namespace}/${caller.pod} asked for namespace "${request.namespace}": only its own is served`,
      );
    return caller;
  };
  const toStatus = (error: unknown) => {
    const { message } = error as Error;
    const known = error instanceof CallerError;
    const code = known ? error.code : status.INTERNAL;
    if (code !== status.UNKNOWN) log.warn(`refused a call: ${message}`);
    return Object.assign(new Error(message), { code, details: message });
  };
  const answer = <Response>(
    call: ServerUnaryCall<OperatorRequest, Response>,
    reply: sendUnaryData<Response>,
    work: (caller: Caller) => Promise<Response>,
  ) => {
    identify(call.metadata, call.request)
      .then(work)
      .then(
        (response) => reply(null, response),
        (error) => reply(toStatus(error)),
      );
  };

  server.addService(
    operatorMethods as never,
    {
      ListComponents: list("components"),
      ListSubscriptionsV2: list("subscriptions"),
      ListResiliency: list("resiliencies"),
      ListHTTPEndpoints: list("httpendpoints"),
      GetConfiguration: get("configurations"),
      GetResiliency: get("resiliencies"),
      ComponentUpdate: updates("components"),
      SubscriptionUpdate: updates("subscriptions"),
      HTTPEndpointUpdate: updates("httpendpoints"),
      ConfigurationUpdate: updates("configurations"),
      ResiliencyUpdate: updates("resiliencies"),
    } as never,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      `[::]:${options.port ?? operator.port}`,
      identity.credentials,
      (error, bound) => (error ? reject(error) : resolve(bound)),
    ),
  );
  return {
    port,
    use: identity.use,
    close: async () => {
      for (const stream of streams) stream.end();
      const timer = setTimeout(() => server.forceShutdown(), closeMs);
      await new Promise((resolve) => server.tryShutdown(resolve));
      clearTimeout(timer);
    },
  };
}

/** Server credentials whose certificate can change while the server runs. */
function changingIdentity() {
  type Update = { certificate: Buffer; privateKey: Buffer };
  type CaUpdate = { caCertificate: Buffer };
  const identityListeners = new Set<(update: Update | null) => void>();
  const caListeners = new Set<(update: CaUpdate | null) => void>();
  let identity: Update | null = null;
  let ca: CaUpdate | null = null;
  const provider = {
    addIdentityCertificateListener: (
      listener: (update: Update | null) => void,
    ) => {
      identityListeners.add(listener);
      process.nextTick(() => listener(identity));
    },
    removeIdentityCertificateListener: (
      listener: (update: Update | null) => void,
    ) => {
      identityListeners.delete(listener);
    },
    addCaCertificateListener: (listener: (update: CaUpdate | null) => void) => {
      caListeners.add(listener);
      process.nextTick(() => listener(ca));
    },
    removeCaCertificateListener: (
      listener: (update: CaUpdate | null) => void,
    ) => {
      caListeners.delete(listener);
    },
  };
  return {
    // One provider for both: grpc-js 1.14 takes the two in another order than it declares.
    credentials: experimental.createCertificateProviderServerCredentials(
      provider,
      provider,
      false,
    ),
    use: ({ certificate, key, root }: ServingCertificate) => {
      identity = {
        certificate: Buffer.from(certificate),
        privateKey: Buffer.from(key),
      };
      ca = { caCertificate: Buffer.from(root) };
      for (const listener of caListeners) listener(ca);
      for (const listener of identityListeners) listener(identity);
    },
  };
}
