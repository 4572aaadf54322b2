/** Calls of any service that go on to an app over gRPC as they are (docs/protocol/invocation.md), by its own sidecar and through two. */
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServiceError,
} from "@grpc/grpc-js";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const asIs = (bytes: Buffer) => bytes;
const service = "/shop.Orders";
const definition = (name: string, isStream: boolean) => ({
  path: `${service}/${name}`,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

let app: Server;
let client: Client;
let seen: Metadata[];

const once: handleUnaryCall<Buffer, Buffer> = (call, reply) => {
  seen.push(call.metadata);
  const [head, trailers] = [new Metadata(), new Metadata()];
  head.set("x-head", "1");
  call.sendMetadata(head);
  trailers.set("x-tail", "2");
  if (call.request.toString() === "fail")
    return reply({
      code: status.FAILED_PRECONDITION,
      details: "no stock",
      metadata: trailers,
    });
  reply(null, call.request, trailers);
};
const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  seen.push(call.metadata);
  call.on("data", (message: Buffer) => call.write(message));
  call.on("end", () => call.end());
};

async function startShop(port = 0): Promise<number> {
  app = new Server();
  app.addService(
    { Once: definition("Once", false), Both: definition("Both", true) },
    { Once: once, Both: both },
  );
  return new Promise((resolve, reject) =>
    app.bindAsync(
      `127.0.0.1:${port}`,
      ServerCredentials.createInsecure(),
      (error, bound) => (error ? reject(error) : resolve(bound)),
    ),
  );
}

beforeEach(() => (seen = []));
afterEach(async () => {
  client.close();
  app.forceShutdown();
  await stopAll();
});

const target = () => {
  const metadata = new Metadata();
  metadata.set("dapr-app-id", "callee");
  metadata.set("x-one", "1");
  metadata.set("x-raw-bin", Buffer.from([0, 255]));
  return metadata;
};

interface Answer {
  error: ServiceError | null;
  message: string | undefined;
  head: Metadata | undefined;
  trailers: Metadata;
}
const ask = (text: string) =>
  new Promise<Answer>((resolve) => {
    let head: Metadata | undefined;
    let got: [ServiceError | null, Buffer | undefined] = [null, undefined];
    const call = client.makeUnaryRequest(
      `${service}/Once`,
      asIs,
      asIs,
      Buffer.from(text),
      target(),
      (error, message) => (got = [error, message]),
    );
    call.on("metadata", (metadata) => (head = metadata));
    call.on("status", ({ metadata }) =>
      setImmediate(() => {
        const [error, message] = got;
        resolve({
          error,
          message: message?.toString(),
          head,
          trailers: metadata,
        });
      }),
    );
  });

describe.each([
  ["its own sidecar", false],
  ["two sidecars", true],
])("through %s", (_, isRemote) => {
  let port: number;
  beforeEach(async () => {
    port = await startShop();
    const registry = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };
    const callee = await startDaprd({
      appId: "callee",
      appPort: port,
      until: "ready",
      args: ["--app-protocol=grpc"],
      env: { ...registry, APP_API_TOKEN: "app-secret" },
    });
    const caller = isRemote
      ? await startDaprd({ appId: "caller", env: registry })
      : callee;
    client = new Client(
      `127.0.0.1:${caller.grpcPort}`,
      credentials.createInsecure(),
    );
  });

  test("one message there and back, with metadata, trailers, status, and the app's token", async () => {
    const good = await ask("hello");
    expect(good.error).toBeNull();
    expect(good.message).toBe("hello");
    expect(good.head?.get("x-head")).toEqual(["1"]);
    expect(good.trailers.get("x-tail")).toEqual(["2"]);
    expect(seen[0]!.getMap()).toMatchObject({
      "x-one": "1",
      "x-raw-bin": Buffer.from([0, 255]),
      "dapr-api-token": "app-secret",
      "dapr-caller-app-id": isRemote ? "caller" : "callee",
    });
    const bad = await ask("fail");
    expect(bad.error).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: "no stock",
    });
    expect(bad.trailers.get("x-tail")).toEqual(["2"]);
  });

  test("a stream of messages both ways", async () => {
    const call = client.makeBidiStreamRequest(
      `${service}/Both`,
      asIs,
      asIs,
      target(),
    );
    const got: string[] = [];
    call.on("data", (message: Buffer) => got.push(message.toString()));
    const end = new Promise((resolve, reject) =>
      call.on("end", resolve).on("error", reject),
    );
    call.write(Buffer.from("a"));
    await waitFor("the first answer", () => got[0] === "a");
    for (let i = 0; i < 100; i++) call.write(Buffer.from(String(i)));
    call.end();
    await end;
    expect(got).toHaveLength(101);
    expect(got.at(-1)).toBe("99");
  });

  test("an app that is lost in mid-stream, and one that is not there, are UNAVAILABLE", async () => {
    const call = client.makeBidiStreamRequest(
      `${service}/Both`,
      asIs,
      asIs,
      target(),
    );
    call.write(Buffer.from("a"));
    await new Promise((resolve) => call.once("data", resolve));
    const lost = new Promise((resolve) => call.once("error", resolve));
    app.forceShutdown();
    expect(await lost).toMatchObject({ code: status.UNAVAILABLE });
    const { error } = await ask("hello");
    expect(error).toMatchObject({ code: status.UNAVAILABLE });
    expect(error!.details).toContain("ECONNREFUSED");
    await startShop(port);
    expect((await ask("again")).message).toBe("again");
  });
});
