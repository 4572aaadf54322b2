/** A user's app that speaks gRPC, made with `@grpc/grpc-js`. */
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { serviceOf, type Message } from "./proto-services.ts";

const file = "dapr/proto/runtime/v1/appcallback.proto";

export interface AppCall {
  method: string;
  request: Message;
  metadata: Metadata;
  /** Sent before the answer. */
  head: Metadata;
  /** Sent behind it. */
  trailers: Metadata;
  /** Resolves once the caller has left. */
  cancelled: Promise<void>;
}

/** For each method, what to answer; what is thrown with a `code` is the call's status. Others are UNIMPLEMENTED. */
export type AppMethods = Partial<
  Record<string, (call: AppCall) => Message | Promise<Message>>
>;

export interface GrpcApp {
  port: number;
  calls: AppCall[];
  /** Of one method. */
  callsOf(method: string): AppCall[];
  close(): Promise<void>;
}

/** A status for a method to throw. */
export class AppError extends Error {
  readonly code: status;
  readonly details: string;
  constructor(code: status, details: string) {
    super(details);
    this.code = code;
    this.details = details;
  }
}

const apps = new Set<GrpcApp>();

/** For afterEach. */
export async function closeGrpcApps(): Promise<void> {
  await Promise.all([...apps].map((app) => app.close()));
}

/** Listens on loopback; `port` 0 picks a free one. `tls` is PEM. */
export async function startGrpcApp(
  methods: AppMethods,
  port = 0,
  tls?: { key: string; cert: string },
): Promise<GrpcApp> {
  const calls: AppCall[] = [];
  const server = new Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  const answer =
    (method: string) =>
    async (
      call: ServerUnaryCall<Message, Message>,
      reply: sendUnaryData<Message>,
    ) => {
      const told: AppCall = {
        method,
        request: call.request,
        metadata: call.metadata,
        head: new Metadata(),
        trailers: new Metadata(),
        cancelled: new Promise((done) => call.on("cancelled", () => done())),
      };
      calls.push(told);
      try {
        const response = await methods[method]!(told);
        call.sendMetadata(told.head);
        reply(null, response, told.trailers);
      } catch (error) {
        const { code = status.UNKNOWN, details = String(error) } =
          error as Partial<AppError>;
        if (Object.keys(told.head.getMap()).length > 0)
          call.sendMetadata(told.head);
        reply({ code, details, metadata: told.trailers });
      }
    };
  for (const name of [
    "AppCallback",
    "AppCallbackHealthCheck",
    "AppCallbackAlpha",
  ]) {
    const service = serviceOf(file, `dapr.proto.runtime.v1.${name}`);
    const served = Object.keys(service).filter((method) => methods[method]);
    server.addService(
      service,
      Object.fromEntries(served.map((method) => [method, answer(method)])),
    );
  }
  const credentials = tls
    ? ServerCredentials.createSsl(null, [
        {
          cert_chain: Buffer.from(tls.cert),
          private_key: Buffer.from(tls.key),
        },
      ])
    : ServerCredentials.createInsecure();
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, at) =>
      error ? reject(error) : resolve(at),
    ),
  );
  const app: GrpcApp = {
    port: bound,
    calls,
    callsOf: (method) => calls.filter((call) => call.method === method),
    async close() {
      apps.delete(app);
      server.forceShutdown();
    },
  };
  apps.add(app);
  return app;
}
