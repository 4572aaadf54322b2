/** The parts of a sidecar that gRPC calls of an app's own services use: the gRPC API, invocation, the port for other sidecars. */
import { createServer, type AddressInfo } from "node:net";
import { openDoor } from "../../runtime/api/grpc/door.ts";
import {
  createInvocation,
  type InvocationOptions,
} from "../../runtime/blocks/invocation/invocation.ts";
import {
  AppUnreachable,
  type AppChannel,
} from "../../runtime/contracts/app-channel.ts";
import type { Peer } from "../../runtime/contracts/name-resolver.ts";
import { createGrpcClient } from "../../runtime/net/grpc/client.ts";
import { passOn } from "../../runtime/net/grpc/pass-on.ts";
import { createPeers } from "../../runtime/peers/client.ts";
import { createExternal } from "../../runtime/peers/external-http.ts";
import { listenPeers } from "../../runtime/peers/server.ts";
import { createLogger } from "../../runtime/shared/log.ts";
import { plainPolicies } from "./invocation-policies.ts";

const maxBodyBytes = 4 * 1024 * 1024;

export interface GrpcSidecar {
  /** The port of the gRPC API. */
  port: number;
  /** The port for other sidecars. */
  peer: Peer;
  /** As at the beginning of its end. */
  leave(): void;
  close(): Promise<void>;
}

export interface GrpcSidecarOptions extends Partial<InvocationOptions> {
  appId: string;
  /** Where the app serves gRPC. */
  appPort?: number;
  /** Where others are, by app id. */
  known?: Map<string, Peer[]>;
}

export async function startGrpcSidecar({
  appPort,
  known = new Map(),
  ...options
}: GrpcSidecarOptions): Promise<GrpcSidecar> {
  const log = createLogger({
    level: "error",
    json: false,
    appId: options.appId,
    version: "1",
    write: () => {},
  });
  const peers = createPeers({ maxBodyBytes, log });
  const external = createExternal({ followRedirects: false });
  const client =
    appPort === undefined
      ? undefined
      : createGrpcClient({
          host: "127.0.0.1",
          port: appPort,
          maxMessageBytes: maxBodyBytes,
        });
  const app =
    client &&
    ({
      proxy: (call, metadata) =>
        passOn(call, client, {
          metadata,
          explain: (error) =>
            new AppUnreachable(error.message, {
              cause: error,
              unsent: error.unsent,
            }),
        }),
    } as Pick<AppChannel, "proxy">);
  const invocation = createInvocation({
    namespace: "default",
    app: app as AppChannel | undefined,
    isAppHealthy: () => true,
    isAppAwaited: () => false,
    resolvers: [
      {
        resolve: async (appId) => known.get(appId)?.[0],
        forget: (appId, _, peer) =>
          void known.set(
            appId,
            known.get(appId)!.filter((one) => one !== peer),
          ),
        close: async () => {},
      },
    ],
    external,
    endpoints: new Map(),
    accessControl: undefined,
    policies: plainPolicies(),
    host: { name: "here", address: "127.0.0.1" },
    hasApiToken: false,
    log,
    ...options,
    peers,
  });
  const door = await openDoor({
    apiToken: undefined,
    allowRemoteShutdown: false,
    methods: async () => ({}),
    proxy: (call) => invocation.proxy(call),
    maxBodyBytes,
    isReady: () => true,
    apiLog: undefined,
    onAnswered: undefined,
    onPassedOn: undefined,
    watch: undefined,
  });
  const listener = createServer((socket) => door.serve(socket));
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  const server = await listenPeers({
    addresses: ["127.0.0.1"],
    port: 0,
    appId: options.appId,
    receive: (request) => invocation.receive(request),
    receiveProxied: (call) => invocation.receiveProxied(call),
    maxBodyBytes,
  });
  return {
    port: (listener.address() as AddressInfo).port,
    peer: { host: "127.0.0.1", port: server.port },
    leave: () => server.leave(),
    async close() {
      const closed = new Promise((done) => listener.close(done));
      // Calls under way still need the ways to the app and to other sidecars.
      await Promise.all([door.close(), server.close(), closed]);
      await peers.close();
      client?.close();
      await external.close();
    },
  };
}
