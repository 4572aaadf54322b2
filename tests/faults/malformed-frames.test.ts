/**
 * Calls of every protocol are recorded and mutated byte by byte, then sent to the API's
 * ports and to the port for other sidecars. Each is refused, served or cut. The app
 * gets at most one call from each, and correct callers are served afterwards.
 */
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type AddressInfo } from "node:net";
import { CallError, type Peers } from "../../runtime/contracts/invocation.ts";
import { request, wholeOf } from "../contracts/peers-contract.ts";
import { stopAll, type Daprd } from "../support/daprd.ts";
import { inParallel } from "../support/in-parallel.ts";
import { openGrpcPeers, openPeers } from "../support/peers.ts";
import {
  drillSeed as seed,
  randomizer,
  type Random,
} from "../support/randomizer.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";
import { peerPort, startPair } from "../support/sidecar-pair.ts";
import { waitFor } from "../wait-for.ts";

let sidecar: Daprd;
let caller: Daprd;
let app: RecordingApp;
let portForPeers: number;
beforeAll(async () => {
  app = await startApp();
  ({ callee: sidecar, caller } = await startPair(app.port));
  portForPeers = await peerPort(sidecar);
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});
beforeEach(() => (app.requests.length = 0));

/** Resolves with the bytes that `call` sends to a port that leads to `port`. */
async function record(
  port: number,
  call: (port: number) => Promise<void>,
): Promise<Buffer> {
  const sent: Buffer[] = [];
  const proxy = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    from.on("data", (chunk) => sent.push(chunk as Buffer));
    from.pipe(to).pipe(from);
    for (const socket of [from, to]) socket.on("error", () => {});
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  await call((proxy.address() as AddressInfo).port);
  await new Promise((done) => proxy.close(done));
  return Buffer.concat(sent);
}

const asPeer = (open: () => Peers) => async (port: number) => {
  const peers = open();
  const peer = { host: "127.0.0.1", port };
  // On a busy machine a connection may take longer than a sidecar waits for one.
  const { status, body } = await waitFor("a connection", () =>
    peers.call(peer, request()).catch((error: unknown) => {
      if (!(error instanceof CallError && error.kind === "unavailable"))
        throw error;
      return undefined;
    }),
  );
  expect(status).toBe(200);
  await wholeOf(body); // an unread body would keep the connection open
  await peers.close();
};

const overHttp2 =
  (path: string, headers: Record<string, string>) => async (port: number) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      ...headers,
    });
    stream.end("{}");
    const status = await new Promise((resolve, reject) =>
      stream
        .once("response", (head) => resolve(head[":status"]))
        .once("error", reject),
    );
    expect(status).toBe(200);
    await new Promise((done) => stream.resume().once("close", done));
    await new Promise<void>((done) => session.close(done));
  };

/** Changes some bytes. Some mutants also lose their end or have a piece twice. */
function mutant(whole: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(whole);
  for (let changes = 1 + random.below(4); changes > 0; changes--)
    bytes[random.below(bytes.length)] = random.below(256);
  const from = random.below(whole.length);
  const kind = random.below(4);
  if (kind === 0) return bytes.subarray(0, from);
  if (kind === 1)
    return Buffer.concat([
      bytes,
      bytes.subarray(from, from + random.below(60)),
    ]);
  return bytes;
}

/** A mutant may make the sidecar wait for more bytes. Then its caller leaves after this time. */
const callerLeavesMs = 300;

/** Sends bytes. Resolves with what came until the connection closed or the caller left. */
const shoot = (port: number, bytes: Buffer) =>
  new Promise<string>((resolve) => {
    let all = "";
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(callerLeavesMs, () => socket.destroy());
    socket.setEncoding("latin1").on("data", (text: string) => (all += text));
    socket.on("error", () => {}); // a reset ends it as well
    socket.on("close", () => resolve(all));
    socket.write(bytes);
  });

test.each<[string, () => number, (port: number) => Promise<void>]>([
  ["a peer's calls", () => portForPeers, asPeer(openPeers)],
  ["a peer's calls over gRPC", () => portForPeers, asPeer(openGrpcPeers)],
  [
    "calls of the API over HTTP/2",
    () => sidecar.port,
    overHttp2("/a", { "dapr-app-id": "callee" }),
  ],
  [
    "calls of the gRPC API",
    () => sidecar.grpcPort,
    overHttp2("/dapr.proto.runtime.v1.Dapr/GetState", {
      "content-type": "application/grpc",
    }),
  ],
])(`1,000 mutants of %s do no harm (seed ${seed})`, async (_, portOf, call) => {
  const port = portOf();
  const whole = await record(port, call);
  app.requests.length = 0;
  const random = randomizer(seed);
  const mutants = Array.from({ length: 1000 }, () => mutant(whole, random));
  const wrong: string[] = [];
  // Most of them wait until their caller leaves.
  await inParallel(mutants.length, 125, async (index) => {
    const bytes = mutants[index]!;
    const answer = await shoot(port, bytes);
    for (const [, status] of answer.matchAll(/HTTP\/1\.1 (\d{3}) /g))
      if (!/^(200|204|400|403|404|408|413|417|431|500|502|505)$/.test(status!))
        wrong.push(`${bytes.toString("latin1")} → ${answer}`);
  });
  expect(wrong).toEqual([]);
  expect(sidecar.output()).not.toMatch(/unexpected|level=(error|fatal)/);
  expect(sidecar.output()).not.toMatch(/^(?!time=)./m);
  // Each makes at most one call, and nothing in it became another header of the app's request.
  expect(app.requests.length).toBeLessThanOrEqual(mutants.length);
  for (const { headers } of app.requests)
    expect(headers.host).toBe(`127.0.0.1:${app.port}`);

  await call(port);
  const reply = await caller.call("GET", "/v1.0/invoke/callee/method/honest");
  expect(reply.status).toBe(200);
  await waitFor(
    "the correct call",
    () => app.requests.at(-1)?.path === "/honest",
  );
  expect(sidecar.child.exitCode).toBeNull();
});
