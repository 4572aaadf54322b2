/** The same app in each protocol that apps may speak, for cases that have to hold whatever it is. */
import { status } from "@grpc/grpc-js";
import { AppError, closeGrpcApps, startGrpcApp } from "./grpc-app.ts";
import { closeApps, startApp } from "./recording-app.ts";
import { tempFolder } from "./temp-folder.ts";
import { hasOpenssl, makeCertificates } from "./tls.ts";

export interface AppMessage {
  input: string;
  data: string;
  metadata: Record<string, string>;
  token: string | undefined;
}

/** What the app does; it takes all inputs and messages, and is healthy, unless it says otherwise. */
export interface AppBehaviour {
  takes?(input: string): boolean | Promise<boolean>;
  /** False refuses the message; bytes are the answer to one that was taken. */
  onMessage?(message: AppMessage): MessageAnswer | Promise<MessageAnswer>;
  isHealthy?(): boolean;
}
type MessageAnswer = boolean | Uint8Array | void;

export interface KnownApp {
  port: number;
  messages: AppMessage[];
  /** The token of each question for its inputs. */
  asked: (string | undefined)[];
  /** The token of each health probe. */
  probes: (string | undefined)[];
  close(): Promise<void>;
}

export interface AppKind {
  protocol: string;
  start(behaviour?: AppBehaviour, port?: number): Promise<KnownApp>;
}

/** For afterEach. */
export const closeKnownApps = () => Promise.all([closeApps(), closeGrpcApps()]);

const http: AppKind = {
  protocol: "http",
  async start(behaviour = {}, port = 0) {
    const known: Omit<KnownApp, "port" | "close"> = {
      messages: [],
      asked: [],
      probes: [],
    };
    const app = await startApp(async ({ method, path, headers, body }) => {
      const input = path.slice(1);
      const token = headers["dapr-api-token"] as string | undefined;
      if (method === "GET") {
        known.probes.push(token);
        return { status: (behaviour.isHealthy?.() ?? true) ? 200 : 503 };
      }
      if (method === "OPTIONS") {
        known.asked.push(token);
        return {
          status: ((await behaviour.takes?.(input)) ?? true) ? 200 : 404,
        };
      }
      const metadata = headers as Record<string, string>;
      const message = { input, data: body, metadata, token };
      known.messages.push(message);
      const answer = (await behaviour.onMessage?.(message)) ?? true;
      if (answer === false) return { status: 503, body: "not now" };
      return { status: 200, body: answer === true ? undefined : answer };
    }, port);
    return { ...known, port: app.port, close: app.close };
  },
};

const overGrpc = (
  protocol: "grpc" | "grpcs",
  tls: () => Parameters<typeof startGrpcApp>[2],
): AppKind => ({
  protocol,
  async start(behaviour = {}, port = 0) {
    const known: Omit<KnownApp, "port" | "close"> = {
      messages: [],
      asked: [],
      probes: [],
    };
    const tokenOf = ({
      metadata,
    }: {
      metadata: { get(name: string): unknown[] };
    }) => metadata.get("dapr-api-token")[0] as string | undefined;
    const app = await startGrpcApp(
      {
        async ListInputBindings(call) {
          known.asked.push(tokenOf(call));
          const bindings: string[] = [];
          for (const name of inputNames)
            if ((await behaviour.takes?.(name)) ?? true) bindings.push(name);
          return { bindings };
        },
        async OnBindingEvent(call) {
          const message: AppMessage = {
            input: call.request["name"] as string,
            data: (call.request["data"] as Buffer).toString("utf8"),
            metadata: call.request["metadata"] as Record<string, string>,
            token: tokenOf(call),
          };
          known.messages.push(message);
          const answer = (await behaviour.onMessage?.(message)) ?? true;
          if (answer === false)
            throw new AppError(status.UNAVAILABLE, "not now");
          return { data: answer === true ? undefined : answer };
        },
        HealthCheck(call) {
          known.probes.push(tokenOf(call));
          if (behaviour.isHealthy?.() ?? true) return {};
          throw new AppError(status.UNAVAILABLE, "not healthy");
        },
      },
      port,
      tls(),
    );
    return { ...known, port: app.port, close: app.close };
  },
});

/** What the cases call their inputs: an app over gRPC has to list them. */
const inputNames = ["orders", "out", "a", "b", "c", "d"];

const certificates = hasOpenssl
  ? makeCertificates(tempFolder("app-tls"))
  : undefined;

export const appKinds: AppKind[] = [
  http,
  overGrpc("grpc", () => undefined),
  ...(certificates ? [overGrpc("grpcs", () => certificates)] : []),
];
