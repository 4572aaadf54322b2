/** Calls that are passed on unchanged, between a client and a server of @grpc/grpc-js. */
import { createServer, type AddressInfo } from "node:net";

import {
  createGrpcClient,
  type GrpcClient,
} from "../../runtime/net/grpc/client.ts";
import { passOn } from "../../runtime/net/grpc/pass-on.ts";
import {
  createGrpcServer,
  type GrpcServer,
} from "../../runtime/net/grpc/server.ts";
import type { ServerCall } from "../../runtime/net/grpc/server-call.ts";
import { echoCases, type EchoRoute } from "./echo-cases.ts";
import { startEcho, type EchoService } from "../support/echo-service.ts";

const maxMessageBytes = 4 * 1024 * 1024;
let echo: EchoService;
let client: GrpcClient;
let server: GrpcServer;
const listener = createServer((socket) => server.serve(socket));
let port: number;

beforeAll(async () => {
  echo = await startEcho();
  client = createGrpcClient({
    host: "127.0.0.1",
    port: echo.port,
    maxMessageBytes,
  });
  server = createGrpcServer({
    maxMessageBytes,
    methods: new Map(),
    onUnknown: (call: ServerCall) =>
      void passOn(call, client, {
        metadata: call.proxied,
        explain: (error) => error,
      }).catch((error: Error) => call.fail(error)),
  });
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  port = (listener.address() as AddressInfo).port;
});
afterAll(async () => {
  client.close();
  await server.close();
  await new Promise((done) => listener.close(done));
  await echo.close();
});

echoCases("passed on once", (): EchoRoute => ({ port, echo, lead: {} }));
