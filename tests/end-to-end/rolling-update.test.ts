/** An app with two instances on one machine is updated, one instance after the other, while another app calls it. No call fails or comes twice. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const callsPerSecond = 30;
const updates = Number(process.env.DAPR_TEST_ROLLING_UPDATES ?? 4);

/**
 * An app that prints what it gets. On SIGTERM it takes no new connections, and kept connections end with their next answer. If it
 * closed them at once, nobody could tell whether a request that arrives at that moment was read.
 */
const program = `
  const server = require("node:http").createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    if (!server.listening) outgoing.setHeader("connection", "close");
    setTimeout(() => outgoing.end(body), 5);
    process.stdout.write(body + "\\n");
  });
  server.listen(Number(process.argv[1]), "127.0.0.1");
  // http.Server.close() would close kept connections at once.
  process.once("SIGTERM", () => require("node:net").Server.prototype.close.call(server));`;

interface Instance {
  app: ChildProcess;
  sidecar: Daprd;
}

const apps = new Set<ChildProcess>();
afterEach(async () => {
  for (const app of apps) app.kill("SIGKILL");
  apps.clear();
  await stopAll();
});

const ended = async (app: ChildProcess) => {
  if (app.exitCode === null && app.signalCode === null) await once(app, "exit");
};
const endSidecar = async ({ sidecar }: Instance) => {
  expect(await sidecar.stop()).toMatchObject({ code: 0 });
};
const endApp = async ({ app }: Instance) => {
  app.kill("SIGTERM");
  await ended(app);
  apps.delete(app);
};

test.each<[string, string[], (one: Instance) => Promise<unknown>]>([
  [
    "app and sidecar at once",
    [],
    (o) => Promise.all([endApp(o), endSidecar(o)]),
  ],
  [
    "a sidecar that blocks its shutdown",
    ["--dapr-block-shutdown-duration=1s"],
    (o) => Promise.all([endApp(o), endSidecar(o)]),
  ],
  ["the app first", [], async (o) => (await endApp(o), endSidecar(o))],
  ["the sidecar first", [], async (o) => (await endSidecar(o), endApp(o))],
])("%s", async (_name, args, end) => {
  const env = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };
  const arrived: string[] = [];
  const start = async (): Promise<Instance> => {
    const [appPort = 0] = await freePorts(1);
    const app = spawn(process.execPath, ["-e", program, String(appPort)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    apps.add(app);
    app.stdout.setEncoding("utf8").on("data", (text: string) => {
      arrived.push(...text.split("\n").filter(Boolean));
    });
    const found = { appId: "found", appPort, args, env };
    return { app, sidecar: await startDaprd({ ...found, until: "ready" }) };
  };
  const caller = await startDaprd({ appId: "finder", env });
  let running = [await start(), await start()];

  const failures: string[] = [];
  let answered = 0;
  let isOver = false;
  const order = async (body: string) => {
    const reply = await caller.call("POST", "/v1.0/invoke/found/method/x", {
      body,
    });
    if (reply.status === 200 && reply.text === body) answered++;
    else failures.push(`order ${body}: ${reply.status} ${reply.text}`);
  };
  const orders: Promise<void>[] = [];
  const calling = (async () => {
    for (let id = 1; !isOver; id++) {
      orders.push(order(String(id)));
      await delay(1000 / callsPerSecond);
    }
  })();
  const more = () => {
    const before = answered;
    return waitFor(
      "more answers",
      () => answered + failures.length > before + 10,
    );
  };

  for (let i = 0; i < updates; i++) {
    await more();
    const next = await start();
    const [old, ...rest] = running;
    await end(old as Instance);
    running = [...rest, next];
  }
  await more();
  isOver = true;
  await calling;
  await Promise.all(orders);
  expect(failures).toEqual([]);
  expect(answered).toBe(orders.length);
  expect(new Set(arrived).size).toBe(arrived.length);
  expect(arrived.length).toBe(orders.length);
});
