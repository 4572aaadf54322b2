/**
 * The gRPC API: messages of each method, mutated by a seeded generator, in frames that are right or mutated too.
 * Each call ends with a status of gRPC or a reset, health is answered meanwhile, and right calls are served afterwards.
 */
import { writeFileSync } from "node:fs";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { join } from "node:path";
import { fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded } from "../support/embedded.ts";
import {
  closeGrpc,
  dapr,
  encodeRequest,
  openGrpc,
} from "../support/grpc-api.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import {
  drillSeed as seed,
  randomizer,
  type Random,
} from "../support/randomizer.ts";
import type { Message } from "../support/proto-services.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { besideHealth, stallLimitMs } from "../support/stall.ts";
import { stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";

const mutations = Number(process.env["DAPR_TEST_MUTATIONS"] ?? 50_000);
const atOnce = 50;

let sidecar: Daprd;
let session: ClientHttp2Session;
beforeAll(async () => {
  const folder = tempFolder("malformed-grpc");
  const secretsFile = join(folder, "secrets.json");
  writeFileSync(secretsFile, '{"one":"value"}');
  const app = await startApp();
  sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    resources: {
      "a.yaml": stateStore("state.in-memory"),
      "b.yaml": fileStore("vault", secretsFile),
      "c.yaml": embedded("orders"),
    },
  });
});
afterAll(async () => {
  session?.destroy();
  closeGrpc();
  await stopAll();
  await closeApps();
});

const storeName = "statestore";
const state = {
  key: "a",
  value: Buffer.from('{"n":1}'),
  etag: { value: "1" },
  metadata: { contentType: "application/json", ttlInSeconds: "10" },
  options: { concurrency: 1, consistency: 2 },
};
const samples: [service: string, method: string, Message][] = [
  [dapr, "GetState", { storeName, key: "a", metadata: { a: "b" } }],
  [dapr, "GetBulkState", { storeName, keys: ["a", "b"], parallelism: 1 }],
  [dapr, "SaveState", { storeName, states: [state, { key: "b" }] }],
  [dapr, "DeleteState", { storeName, key: "a", etag: { value: "1" } }],
  [dapr, "DeleteBulkState", { storeName, states: [state] }],
  [
    dapr,
    "ExecuteStateTransaction",
    { storeName, operations: [{ operationType: "upsert", request: state }] },
  ],
  [dapr, "QueryStateAlpha1", { storeName, query: '{"filter":{}}' }],
  [
    dapr,
    "InvokeBinding",
    { name: "orders", operation: "create", data: Buffer.from("1") },
  ],
  [dapr, "GetSecret", { storeName: "vault", key: "one" }],
  [dapr, "GetBulkSecret", { storeName: "vault" }],
  [
    dapr,
    "InvokeService",
    {
      id: "testapp",
      message: {
        method: "a/b",
        data: { value: Buffer.from("body") },
        contentType: "text/plain",
        httpExtension: { verb: "POST", querystring: "q=1" },
      },
    },
  ],
  [dapr, "GetMetadata", {}],
  [dapr, "SetMetadata", { key: "a", value: "b" }],
  ["grpc.health.v1.Health", "Check", { service: dapr }],
  [
    "grpc.reflection.v1.ServerReflection",
    "ServerReflectionInfo",
    { fileContainingSymbol: dapr },
  ],
];

/** Some bytes changed, cut off, put in, or there twice. */
function mutant(whole: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(whole);
  const at = random.below(bytes.length + 1);
  switch (random.below(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes, bytes.subarray(at)]);
    case 2: {
      const put = Buffer.from(
        Array.from({ length: 1 + random.below(9) }, () => random.below(256)),
      );
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)]);
    }
    default:
      for (let n = 1 + random.below(4); n > 0 && bytes.length > 0; n--)
        bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
  }
}

/** A frame around it, which one in four has wrong. */
function framed(message: Buffer, random: Random): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  if (random.below(4) === 0) head[random.below(5)] = random.below(256);
  return Buffer.concat([head, message]);
}

/** Resolves with the status, or with the code of the reset. */
function send(path: string, body: Buffer, random: Random): Promise<string> {
  return new Promise((resolve) => {
    const encoding = random.pick(["identity", "identity", "gzip", "br", ""]);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(encoding && { "grpc-encoding": encoding }),
      ...(random.below(20) === 0 && { "grpc-timeout": random.text(3) }),
      ...(random.below(20) === 0 && { [random.pick(names)]: random.text(9) }),
    });
    let status: unknown;
    const take = (head: Record<string, unknown>) =>
      (status ??= head["grpc-status"]);
    stream.on("response", take).on("trailers", take);
    stream.on("error", () => {}); // its close tells the code
    stream.on("close", () =>
      resolve(
        status === undefined
          ? `reset ${stream.rstCode}`
          : `${status as string}`,
      ),
    );
    stream.resume();
    stream.end(body);
  });
}

const names = ["dapr-app-id", "x-a", "traceparent", "dapr-caller-app-id"];

test(`${mutations} mutated calls do no harm (seed ${seed})`, async () => {
  session = connectHttp2(`http://127.0.0.1:${sidecar.grpcPort}`);
  const random = randomizer(seed);
  const calls = samples.map(([service, method, request]) => ({
    path: `/${service}/${method}`,
    whole: encodeRequest(service, method, request),
  }));
  const seen = new Map<string, number>();
  let left = mutations;
  const worker = async () => {
    while (left-- > 0) {
      const { path, whole } = random.pick(calls);
      const body = framed(mutant(whole, random), random);
      const outcome = await send(path, body, random);
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
  };
  const all = (count: number) => {
    left = count;
    return Promise.all(Array.from({ length: atOnce }, worker));
  };
  await all(Math.ceil(mutations / 10));
  const before = canReadMemory ? memoryOf(sidecar.pid).rss : 0;
  const { stallMs } = await besideHealth(sidecar, () => all(mutations));
  for (const outcome of seen.keys())
    expect(outcome).toMatch(/^(?:1?\d|reset 0)$/);
  // Each kind of outcome was met.
  for (const code of ["0", "3", "5", "8", "12", "13"])
    expect([...seen.keys()]).toContain(code);
  expect(stallMs).toBeLessThan(stallLimitMs);
  if (canReadMemory)
    expect(memoryOf(sidecar.pid).rss).toBeLessThan(before + 60);
  const api = openGrpc(sidecar.grpcPort);
  await api.call("SaveState", {
    storeName,
    states: [{ key: "z", value: Buffer.from("1") }],
  });
  const { reply } = await api.call("GetState", { storeName, key: "z" });
  expect(reply!["data"]).toEqual(Buffer.from("1"));
  expect(sidecar.output()).not.toMatch(/level=(?:error|fatal)/);
});
