/** The shutdown of a sidecar (docs/protocol/daprd.md): order, exit codes, time limit, restart, lifeline. */
import { spawn } from "node:child_process";
import { bundle, startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { openConnection } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

/** An app that does not answer its first message until `finish` is called. */
async function holdingApp() {
  const held = Promise.withResolvers<void>();
  const app = await startApp(async ({ method }) => {
    if (method === "POST") await held.promise;
    return { status: 200 };
  });
  return { app, finish: held.resolve };
}

const send = (sidecar: Daprd, data: unknown) =>
  sidecar.call("POST", "/v1.0/bindings/orders", { body: order(data) });

test.each([
  ["SIGTERM", "terminated"],
  ["SIGINT", "interrupt"],
] as const)(
  "%s ends the sidecar in the documented order, with exit code 0",
  async (signal, name) => {
    const app = await startApp();
    const sidecar = await startDaprd({
      appPort: app.port,
      until: "ready",
      resources: { "a.yaml": embedded() },
    });
    sidecar.child.kill(signal);
    expect(await sidecar.exited).toEqual({ code: 0, signal: null });
    const lines = sidecar.messages();
    expect(
      lines.slice(lines.findIndex((line) => line.startsWith("Received"))),
    ).toEqual([
      `Received signal '${name}'; beginning shutdown`,
      "Dapr is shutting down",
      "Shutting down component orders (bindings.sqlite/v1)",
      "Dapr runtime stopped",
      "Daprd shutdown gracefully",
    ]);
  },
);

test("POST /v1.0/shutdown answers 204, then the sidecar exits with 0", async () => {
  const sidecar = await startDaprd();
  const reply = await sidecar.call("POST", "/v1.0/shutdown");
  expect(reply.status).toBe(204);
  expect((await sidecar.exited).code).toBe(0);
  expect(sidecar.output()).toContain("Shutdown requested via API");
});

test("dapr-force-shutdown exits at once with 1", async () => {
  const { app, finish } = await holdingApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--dapr-graceful-shutdown-seconds=3600"],
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  const reply = await sidecar.call("POST", "/v1.0/shutdown", {
    headers: { "dapr-force-shutdown": "true" },
  });
  expect(reply.status).toBe(204);
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toBe(
    "Force shutdown requested, exiting immediately without graceful shutdown",
  );
  finish();
});

test("the shutdown waits for a message that the app is working on", async () => {
  const { app, finish } = await holdingApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await send(sidecar, 2);
  await waitFor("the delivery", () => app.posts()[0]);
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Dapr is shutting down");
  expect(sidecar.messages()).not.toContain("Dapr runtime stopped");
  finish();
  expect((await sidecar.exited).code).toBe(0);
  expect(app.posts()).toHaveLength(1);
});

test("a shutdown over its time limit is forced, with exit code 1", async () => {
  const { app, finish } = await holdingApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--dapr-graceful-shutdown-seconds=1"],
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  sidecar.child.kill("SIGTERM");
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.output()).toContain(
    'level=fatal msg="Graceful shutdown timeout exceeded, forcing shutdown"',
  );
  finish();
});

test("a second signal does not wait", async () => {
  const { app, finish } = await holdingApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--dapr-graceful-shutdown-seconds=0"],
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Dapr is shutting down");
  sidecar.child.kill("SIGTERM");
  expect((await sidecar.exited).code).toBe(1);
  finish();
});

test("idle connections do not delay the shutdown", async () => {
  const sidecar = await startDaprd();
  const silent = await openConnection(sidecar.port);
  const kept = await openConnection(
    sidecar.port,
    "GET /v1.0/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
  );
  await new Promise((resolve) => kept.once("data", resolve));
  const grpc = await openConnection(sidecar.grpcPort);
  expect((await sidecar.stop()).code).toBe(0);
  for (const socket of [silent, kept, grpc]) socket.destroy();
});

test("--dapr-block-shutdown-duration stops inputs at once and keeps the API up", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--dapr-block-shutdown-duration=1500ms"],
    resources: { "a.yaml": embedded() },
  });
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  sidecar.child.kill("SIGTERM");
  await sidecar.logged(
    "Blocking graceful shutdown for 1.5s or until app reports unhealthy...",
  );
  expect((await send(sidecar, 2)).status).toBe(204);
  await sidecar.logged("Block shutdown period expired, entering shutdown...");
  expect((await sidecar.exited).code).toBe(0);
  expect(app.posts().map(({ body }) => body)).toEqual(["1"]);
});

test("blocking ends when the app reports unhealthy", async () => {
  let healthy = true;
  const app = await startApp(({ path }) => ({
    status: path === "/healthz" && !healthy ? 500 : 200,
  }));
  const sidecar = await startDaprd({
    appPort: app.port,
    args: [
      "--dapr-block-shutdown-duration=60s",
      "--enable-app-health-check",
      "--app-health-probe-interval=1",
      "--app-health-threshold=1",
    ],
  });
  await sidecar.logged("app is healthy: inputs start");
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Blocking graceful shutdown for 60s");
  healthy = false;
  await sidecar.logged("App reported unhealthy, entering shutdown...");
  expect((await sidecar.exited).code).toBe(0);
});

test("blocking does not wait for an app that was never up", async () => {
  const [port] = await freePorts(1);
  const sidecar = await startDaprd({
    appPort: port,
    args: ["--dapr-block-shutdown-duration=60s"],
  });
  await sidecar.logged("waiting on port");
  expect((await sidecar.stop()).code).toBe(0);
  expect(sidecar.messages()).toContain(
    "App reported unhealthy, entering shutdown...",
  );
});

test("SIGHUP restarts in the same process", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    resources: { "a.yaml": embedded() },
  });
  sidecar.child.kill("SIGHUP");
  await waitFor(
    "the second start",
    () =>
      sidecar.messages().filter((line) => line.startsWith("dapr initialized"))
        .length === 2,
  );
  await send(sidecar, 1);
  await waitFor("the delivery", () => app.posts()[0]);
  expect((await sidecar.stop()).code).toBe(0);
});

test.each([
  ["nothing", ""],
  ["the first byte of a verb", "P"],
  ["half a head", "GET /v1.0/he"],
  [
    "the next head's beginning",
    "GET /v1.0/healthz/outbound HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v1",
  ],
])("a connection with %s does not delay the shutdown", async (_, bytes) => {
  const [internal] = await freePorts(1);
  const sidecar = await startDaprd({
    args: [`--dapr-internal-grpc-port=${internal}`],
    resources: { "a.yaml": embedded() },
  });
  const sockets = await Promise.all([
    openConnection(sidecar.port, bytes),
    openConnection(internal!, bytes),
  ]);
  for (const socket of sockets) socket.on("error", () => {}).resume();
  // What was sent before has been read.
  expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
    204,
  );
  expect(await sidecar.stop()).toEqual({ code: 0, signal: null });
  expect(sidecar.messages()).toContain(
    "Shutting down component orders (bindings.sqlite/v1)",
  );
  for (const socket of sockets) socket.destroy();
});

test("a caller that falls silent in the middle of a body does not use up the time that others have", async () => {
  const [internal] = await freePorts(1);
  const sidecar = await startDaprd({
    args: [
      `--dapr-internal-grpc-port=${internal}`,
      "--dapr-graceful-shutdown-seconds=3600",
    ],
    resources: { "a.yaml": embedded() },
  });
  const half = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"half`;
  const paths = ["/v1.0/bindings/orders", "/v1.0/invoke/daprd/method/orders"];
  const sockets = await Promise.all(
    paths.map((path) => openConnection(sidecar.port, half(path))),
  );
  for (const socket of sockets) socket.on("error", () => {}).resume();
  // What was sent before has been read.
  expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
    204,
  );
  expect(await sidecar.stop()).toEqual({ code: 0, signal: null });
  for (const socket of sockets) socket.destroy();
});

test("a signal ends a sidecar that still waits for its app", async () => {
  const [port] = await freePorts(1);
  const sidecar = await startDaprd({ appPort: port });
  await sidecar.logged("waiting on port");
  expect((await sidecar.stop()).code).toBe(0);
});

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A program that starts a sidecar and an app as the CLI does: with a lifeline on descriptor 3, and the app in a process group of its own. */
const parentScript = `
const { spawn } = require("node:child_process");
const [bundle, http, grpc, farewell] = process.argv.slice(1);
const app = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
const sidecar = spawn(process.execPath, [bundle, "--app-id=orphan", "--dapr-http-port=" + http, "--dapr-grpc-port=" + grpc, "--enable-metrics=false"], {
  stdio: ["ignore", "pipe", "inherit", "pipe"], env: { ...process.env, DAPR_LIFELINE_FD: "3" },
});
sidecar.stdio[3].write("app-pid " + app.pid + "\\n" + farewell);
sidecar.stdout.on("data", (text) => { if (String(text).includes("dapr initialized")) console.log(JSON.stringify([sidecar.pid, app.pid])); });
`;

async function orphan(farewell: string) {
  const [http, grpc] = await freePorts(2);
  const parent = spawn(
    process.execPath,
    ["-e", parentScript, bundle, `${http}`, `${grpc}`, farewell],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  parent.stdout
    .setEncoding("utf8")
    .on("data", (chunk: string) => (text += chunk));
  await waitFor("both to be up", () => text.includes("\n"));
  parent.kill("SIGKILL");
  const [sidecar, app] = JSON.parse(text) as [number, number];
  return { sidecar, app };
}

test("when the parent dies, sidecar and app end", async () => {
  const { sidecar, app } = await orphan("");
  await waitFor("both to end", () => !isAlive(sidecar) && !isAlive(app));
});

test("when the parent says goodbye before it ends, sidecar and app go on", async () => {
  const { sidecar, app } = await orphan("bye\n");
  try {
    // SIGTERM ends only the sidecar: the app still runs afterwards.
    process.kill(sidecar, "SIGTERM");
    await waitFor("the sidecar to end", () => !isAlive(sidecar));
    expect(isAlive(app)).toBe(true);
  } finally {
    process.kill(app, "SIGKILL");
  }
});

test("a signal ends the wait for a taken port at once", async () => {
  const first = await startDaprd();
  const second = await startDaprd({
    args: [`--dapr-http-port=${first.port}`],
    until: "nothing",
  });
  await second.logged(`port ${first.port} on 127.0.0.1 is taken`);
  second.child.kill("SIGTERM");
  // A sidecar that waits for all of its 10 s exits with 1.
  expect((await second.exited).code).toBe(0);
});
