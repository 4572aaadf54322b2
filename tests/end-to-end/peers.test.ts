/** Sidecars find each other, lose each other, and carry large bodies with little memory. */
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { usualPort } from "../../runtime/peers/port.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { closeWires, openGrpcWire } from "../support/peer-wire.ts";
import { freePorts, isFree } from "../support/ports.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { peerPort } from "../support/sidecar-pair.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const registry = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };
/** An app ID of its own, since multicast DNS also finds sidecars of other tests on this machine. */
const found = `found-${process.pid}`;

afterEach(async () => {
  await stopAll();
  await closeWires();
  await closeApps();
});

const startCaller = () => startDaprd({ appId: "finder", env: registry });
const startCallee = (appPort: number) =>
  startDaprd({ appId: found, appPort, until: "ready", env: registry });
const call = (caller: Daprd) =>
  caller.call("GET", `/v1.0/invoke/${found}/method/x`);

test("a new sidecar is found at once, a killed one is gone at once, and its successor is found at once", async () => {
  const app = await startApp();
  const caller = await startCaller();
  expect((await call(caller)).status).toBe(500);
  for (let i = 0; i < 3; i++) {
    const callee = await startCallee(app.port);
    expect((await call(caller)).status).toBe(200);
    callee.child.kill("SIGKILL");
    await callee.exited;
    const lost = await call(caller);
    expect(lost.status).toBe(500);
    expect(lost.text).toContain(`couldn't find service: ${found}`);
  }
});

test("when one of two instances is killed, no call fails", async () => {
  const [one, two] = [await startApp(), await startApp()];
  const caller = await startCaller();
  const callees = [await startCallee(one.port), await startCallee(two.port)];
  for (let i = 0; i < 10; i++) expect((await call(caller)).status).toBe(200);
  const served = two.requests.length;
  expect(one.requests.length).toBeGreaterThan(0);
  expect(one.requests.length + served).toBe(10);
  callees[0]!.child.kill("SIGKILL");
  await callees[0]!.exited;
  for (let i = 0; i < 10; i++) expect((await call(caller)).status).toBe(200);
  expect(two.requests).toHaveLength(served + 10);
});

test("when a sidecar is killed in the middle of a call, the caller gets an error", async () => {
  let hasBegun = false;
  const app = await startApp(() => {
    hasBegun = true;
    return new Promise(() => {});
  });
  const caller = await startCaller();
  const callee = await startCallee(app.port);
  const reply = caller.call("POST", `/v1.0/invoke/${found}/method/x`, {
    body: "{}",
  });
  await waitFor("the app to be called", () => hasBegun);
  const port = await peerPort(callee);
  callee.child.kill("SIGKILL");
  expect((await reply).status).toBe(500);
  expect((await reply).json()).toEqual({
    errorCode: "ERR_DIRECT_INVOKE",
    message: expect.stringMatching(
      new RegExp(
        `^failed to invoke, id: ${found}, err: the sidecar of ${found} at 127.0.0.1:${port} was lost before it answered, so ${found} may have got the call or not: `,
      ),
    ) as string,
  });
  // A POST that may have reached the app is not sent again.
  expect(app.requests).toHaveLength(1);
});

test("the port for other sidecars is the app's usual one if that is free, and listens on this machine only", async () => {
  let appId = found;
  for (let n = 0; !(await isFree(usualPort(appId))); n++)
    appId = `${found}-${n}`;
  const first = await startDaprd({ appId, env: registry });
  const second = await startDaprd({ appId, env: registry });
  expect(await peerPort(first)).toBe(usualPort(appId));
  expect(await peerPort(second)).not.toBe(usualPort(appId));
  const line = await first.logged("Internal gRPC server is running on");
  expect(line).toContain("127.0.0.1:");
  await first.logged("Initialized name resolution to local, mdns");
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((face) => face && face.family === "IPv4" && !face.internal);
  if (!outside) return;
  const port = await peerPort(first);
  await expect(
    new Promise((resolve, reject) => {
      const socket = connect(port, outside.address, () => {
        socket.destroy();
        resolve("open");
      });
      socket.on("error", reject);
    }),
  ).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

const startDirect = async (appPort: number) => ({
  caller: await startCaller(),
  callee: await startCallee(appPort),
  appId: found,
});

/** A caller that finds every app at a port of this machine. */
function startCallerOf(port: number) {
  const config = join(tempFolder("daprd-config"), "config.yaml");
  writeFileSync(
    config,
    `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: names
spec:
  nameResolution:
    component: nameformat
    configuration:
      format: "{appid}:${port}"
`,
  );
  return startDaprd({
    appId: "finder",
    args: [`--config=${config}`, "--log-level=debug"],
  });
}

/** The app is called `localhost`, as the address is made of its name. */
async function startCalleeAt(port: number, appPort: number) {
  return startDaprd({
    appId: "localhost",
    appPort,
    until: "ready",
    args: [`--dapr-internal-grpc-port=${port}`],
  });
}

async function startOverGrpc(appPort: number) {
  const [port] = await freePorts(1);
  const callee = await startCalleeAt(port!, appPort);
  const wire = await openGrpcWire(port!);
  const caller = await startCallerOf(wire.port);
  return { caller, callee, appId: "localhost" };
}

const direct = "speaks the direct protocol";

test("sidecars of this kind speak their own protocol, whoever leads to them: the registry", async () => {
  const app = await startApp();
  await startCallee(app.port);
  const caller = await startDaprd({
    appId: "finder",
    env: registry,
    args: ["--log-level=debug"],
  });
  expect((await call(caller)).status).toBe(200);
  await caller.logged(direct);
});

test("… an address of which nothing else is known", async () => {
  const app = await startApp();
  const [port] = await freePorts(1);
  const caller = await startCallerOf(port!);
  await startCalleeAt(port!, app.port);
  const reply = await caller.call("GET", "/v1.0/invoke/localhost/method/x");
  expect(reply.status).toBe(200);
  await caller.logged(`the sidecar at localhost:${port} ${direct}`);
  expect(app.requests).toHaveLength(1);
});

const megabytes = 100;
const withMemory = canReadMemory ? test : test.skip;
/** A body that is held would add a hundred. `npm run bench stream` says how much it is: half of this on a machine with time. */
const limitMb = 32;
withMemory.each(["this kit's protocol", "gRPC"])(
  `100 MB in both directions over %s add at most ${limitMb} MB to each sidecar`,
  async (protocol) => {
    const server = createServer((incoming, outgoing) =>
      incoming.pipe(outgoing),
    );
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const { caller, callee, appId } = await (protocol === "gRPC"
      ? startOverGrpc(port)
      : startDirect(port));
    const send = (size: number) =>
      new Promise<number>((resolve, reject) => {
        const outgoing = request({
          port: caller.port,
          method: "POST",
          path: `/v1.0/invoke/${appId}/method/echo`,
        });
        outgoing.on("error", reject);
        outgoing.on("response", (incoming) => {
          let received = 0;
          incoming.on("data", (chunk: Buffer) => (received += chunk.length));
          incoming.on("end", () => resolve(received));
          incoming.on("error", reject);
        });
        const chunk = Buffer.alloc(64 * 1024, "x");
        let left = size;
        const more = () => {
          while (left > 0) {
            left -= chunk.length;
            if (!outgoing.write(chunk))
              return void outgoing.once("drain", more);
          }
          outgoing.end();
        };
        more();
      });
    await send(64 * 1024); // loads what the first call loads, which is not counted
    const both = [caller, callee];
    const before = both.map(({ pid }) => memoryOf(pid).rss);
    const size = megabytes * 1024 * 1024;
    expect(await send(size)).toBe(size);
    const added = both.map(({ pid }, i) => memoryOf(pid).peak - before[i]!);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    expect(Math.max(...added)).toBeLessThan(limitMb);
  },
);
