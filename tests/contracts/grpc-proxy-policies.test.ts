/** gRPC calls that are passed on, with the policies of a Resiliency around (docs/protocol/resiliency.md). */
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
} from "@grpc/grpc-js";
import { selectResiliencies } from "../../runtime/resources/kinds/resiliency.ts";
import { readDocuments } from "../../runtime/resources/values/yaml.ts";
import { createLogger } from "../../runtime/shared/log.ts";
import { createInvocationPolicies } from "../../runtime/sidecar/policies/invocations.ts";
import { createResiliencies } from "../../runtime/sidecar/policies/resiliencies.ts";
import {
  connectEcho,
  echoMethods,
  startEcho,
} from "../support/echo-service.ts";
import { startGrpcSidecar } from "../support/grpc-sidecar.ts";
import { resiliency } from "../support/resiliency.ts";
import { waitFor } from "../wait-for.ts";
import { echoCases } from "./echo-cases.ts";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

const keptBytes = 200_000;

async function policiesOf(policies: string, target: string) {
  const log = createLogger({
    level: "fatal",
    json: false,
    appId: "caller",
    version: "1",
    write: () => {},
  });
  const resiliencies = createResiliencies({ log, metrics: undefined });
  const text = resiliency(policies, `{apps: {echo: ${target}}}`);
  resiliencies.replace(
    await selectResiliencies(readDocuments(text, "r.yaml"), {
      appId: "caller",
      env: {},
      log,
    }),
  );
  return createInvocationPolicies({ resiliencies, keptBytes });
}

/** The port of a caller's sidecar, whose calls come by another one to the app at `appPort`. */
async function startBetween(appPort: number, policies: string, target: string) {
  const callee = await startGrpcSidecar({ appId: "echo", appPort });
  const known = new Map([["echo", [callee.peer]]]);
  const caller = await startGrpcSidecar({
    appId: "caller",
    known,
    policies: await policiesOf(policies, target),
  });
  return { port: caller.port, sidecars: [callee, caller] };
}

/** An app whose `Unary` fails the first times, and whose `Hang` never ends. */
async function startFlaky(failures: number, code = status.UNAVAILABLE) {
  const seen: string[] = [];
  let cancelled = 0;
  const server = new Server();
  server.addService(
    { unary: echoMethods.unary, hang: echoMethods.hang },
    {
      unary(
        call: ServerUnaryCall<Buffer, Buffer>,
        answer: sendUnaryData<Buffer>,
      ) {
        seen.push(call.request.toString());
        if (call.request.toString() === "wait")
          return void call.on("cancelled", () => cancelled++);
        const metadata = new Metadata();
        metadata.set("x-try", String(seen.length));
        if (seen.length <= failures)
          answer({ code, details: `no ${seen.length}`, metadata });
        else answer(null, call.request, metadata);
      },
      hang(call: ServerDuplexStream<Buffer, Buffer>) {
        call.write(Buffer.from("begun"));
        call.on("cancelled", () => cancelled++);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, at) => (error ? reject(error) : resolve(at)),
    ),
  );
  opened.push({ close: () => server.forceShutdown() });
  return { port, seen, cancelled: () => cancelled };
}

const lead = (more: Record<string, string> = {}) => {
  const metadata = new Metadata();
  metadata.set("dapr-app-id", "echo");
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  return metadata;
};

async function open(appPort: number, policies: string, target: string) {
  const { port, sidecars } = await startBetween(appPort, policies, target);
  opened.push(...sidecars);
  const client = connectEcho(port);
  opened.push(client);
  return client;
}

const unary = (client: ReturnType<typeof connectEcho>, text: string) =>
  new Promise<{ error: ServiceError | null; text?: string }>((resolve) =>
    client.makeUnaryRequest(
      echoMethods.unary.path,
      (sent: Buffer) => sent,
      (got: Buffer) => got,
      Buffer.from(text),
      lead(),
      (error, value) => resolve({ error, text: value?.toString() }),
    ),
  );

const some = "{retries: {some: {duration: 1ms, maxRetries: 2}}}";

test("a call that fails is passed on anew, with its whole request", async () => {
  const app = await startFlaky(2);
  const client = await open(app.port, some, "{retry: some}");
  expect(await unary(client, "hello")).toEqual({ error: null, text: "hello" });
  expect(app.seen).toEqual(["hello", "hello", "hello"]);
});

test("when the tries are used up, the app's last status is the status", async () => {
  const app = await startFlaky(Infinity, status.FAILED_PRECONDITION);
  const client = await open(app.port, some, "{retry: some}");
  const { error } = await unary(client, "hello");
  expect(error).toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: "no 3",
  });
  expect(error!.metadata.get("x-try")).toEqual(["3"]);
});

test("only codes that match are tried again", async () => {
  const policies =
    '{retries: {some: {duration: 1ms, maxRetries: 2, matching: {gRPCStatusCodes: "1-4,14"}}}}';
  const app = await startFlaky(Infinity, status.FAILED_PRECONDITION);
  const client = await open(app.port, policies, "{retry: some}");
  expect((await unary(client, "hello")).error?.details).toBe("no 1");
  const other = await startFlaky(Infinity, status.UNAVAILABLE);
  const second = await open(other.port, policies, "{retry: some}");
  expect((await unary(second, "hello")).error?.details).toBe("no 3");
});

test("a request that is too long to be kept is passed on once", async () => {
  const app = await startFlaky(Infinity);
  const client = await open(app.port, some, "{retry: some}");
  const { error } = await unary(client, "x".repeat(2 * keptBytes));
  expect(error?.details).toBe("no 1");
});

test("a call ends with its time, and the app's call with it", async () => {
  const app = await startFlaky(0);
  const client = await open(
    app.port,
    "{timeouts: {quick: 50ms}}",
    "{timeout: quick}",
  );
  expect((await unary(client, "wait")).error).toMatchObject({
    code: status.DEADLINE_EXCEEDED,
    details: "context deadline exceeded",
  });
  await waitFor("the app's call to end", () => app.cancelled() === 1);
});

test("an open circuit breaker refuses the call", async () => {
  const app = await startFlaky(Infinity);
  const client = await open(
    app.port,
    "{circuitBreakers: {quick: {timeout: 1h, trip: requests > 1}}}",
    "{circuitBreaker: quick}",
  );
  await unary(client, "hello");
  await unary(client, "hello");
  expect((await unary(client, "hello")).error).toMatchObject({
    code: status.UNKNOWN,
    details: "circuit breaker is open",
  });
  expect(app.seen).toHaveLength(2);
});

/** Resolves with the status of a call of `Hang`; `onBegun` is called with its first message. */
const hang = (
  client: ReturnType<typeof connectEcho>,
  metadata: Metadata,
  onBegun: (cancel: () => void) => void,
) =>
  new Promise<number>((resolve) => {
    const stream = client.makeBidiStreamRequest(
      echoMethods.hang.path,
      (sent: Buffer) => sent,
      (got: Buffer) => got,
      metadata,
    );
    stream.on("data", () => onBegun(() => stream.cancel()));
    stream.on("error", () => {});
    stream.on("status", ({ code }) => resolve(code as number));
    stream.write(Buffer.from("hello"));
  });

test("the time of a stream is over, unless it says that it is one: then its beginning alone has a limit", async () => {
  const app = await startFlaky(0);
  const client = await open(
    app.port,
    "{timeouts: {quick: 100ms}, retries: {some: {duration: 1ms, maxRetries: 2}}}",
    "{timeout: quick, retry: some}",
  );
  expect(await hang(client, lead(), () => {})).toBe(status.DEADLINE_EXCEEDED);
  const ended = hang(
    client,
    lead({ "dapr-stream": "true" }),
    (cancel) =>
      // By then another call has had its whole time.
      void hang(client, lead(), () => {}).then(cancel),
  );
  expect(await ended).toBe(status.CANCELLED);
});

test("the beginning of a stream is tried again when there is no sidecar", async () => {
  const app = await startFlaky(0);
  const callee = await startGrpcSidecar({ appId: "echo", appPort: app.port });
  opened.push(callee);
  const gone = await startGrpcSidecar({ appId: "echo", appPort: app.port });
  await gone.close();
  const known = new Map([["echo", [gone.peer]]]);
  const caller = await startGrpcSidecar({
    appId: "caller",
    known,
    policies: await policiesOf(
      "{retries: {some: {duration: 20ms, maxRetries: 1000}}}",
      "{retry: some}",
    ),
  });
  opened.push(caller);
  const client = connectEcho(caller.port);
  opened.push(client);
  const ended = hang(client, lead({ "dapr-stream": "true" }), (cancel) =>
    cancel(),
  );
  known.set("echo", [callee.peer]);
  expect(await ended).toBe(status.CANCELLED);
});

describe("with policies around", () => {
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let between: Awaited<ReturnType<typeof startBetween>>;
  beforeAll(async () => {
    echo = await startEcho();
    between = await startBetween(
      echo.port,
      "{timeouts: {long: 1h}, retries: {none: {maxRetries: 0}}, circuitBreakers: {never: {trip: requests < 0}}}",
      "{timeout: long, retry: none, circuitBreaker: never}",
    );
  });
  afterAll(async () => {
    await echo.close();
    for (const sidecar of between.sidecars) await sidecar.close();
  });
  echoCases("all calls are what they are without", () => ({
    port: between.port,
    echo,
    lead: { "dapr-app-id": "echo" },
  }));
});
