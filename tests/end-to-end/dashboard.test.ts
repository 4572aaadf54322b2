/** The shipped `dapr dashboard`: its words, what it finds, what it passes on, and that it lets go. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { CallAnswer } from "../../runtime/cli/dashboard/messages.ts";
import { daprVersion } from "../../runtime/shared/version.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import {
  connectionsTo,
  envOf,
  startDashboard,
  startShop,
  type Shop,
  type TestDashboard,
  type TestPage,
} from "../support/dashboard.ts";
import { call } from "../support/http.ts";
import { isFree } from "../support/ports.ts";
import { waitFor } from "../wait-for.ts";
import { cli, freePort, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
const id = (name: string) => `dash-${process.pid}-${name}`;
let shop: Shop;
let dashboard: TestDashboard;

beforeAll(async () => {
  shop = await startShop(dir, id("shop"));
  dashboard = await startDashboard(dir, ["-f", shop.runFile]);
});

afterAll(async () => {
  await stopAll();
  await remove();
});

async function dapr(...args: string[]) {
  const run = cli(args, { env: envOf(dir) });
  return { code: await run.exit, out: run.out, err: run.err };
}

const publish = (body: string) => ({
  appId: shop.appId,
  method: "POST",
  path: "/v1.0/publish/pubsub/orders",
  contentType: "application/json",
  body,
});

const answerOf = async (request: object) => {
  const { status, json } = await dashboard.post("/api/call", {
    appId: shop.appId,
    ...request,
  });
  expect(status).toBe(200);
  return json() as CallAnswer;
};

test("it prints its address, and Ctrl+C ends it with nothing left", async () => {
  const port = await freePort();
  const run = cli(["dashboard", "-p", String(port)], { env: envOf(dir) });
  await run.prints(`Dapr dashboard available at:\thttp://localhost:${port}\n`);
  expect((await call(port, "GET", "/")).status).toBe(200);
  run.signal("SIGINT");
  expect(await run.exit).toBe(0);
  expect(run.out).toBe(
    `ℹ️  Dapr dashboard available at:\thttp://localhost:${port}\n`,
  );
  expect(run.err).toBe("");
  expect(await isFree(port)).toBe(true);
});

test("Ctrl+C ends it while pages are open, too", async () => {
  const other = await startDashboard(dir);
  const pages = await Promise.all([other.open(), other.open()]);
  expect(await other.end()).toBe(0);
  await Promise.all(pages.map(({ ended }) => ended));
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "[::1]"],
])("it listens on %s if told so", async (address, shown) => {
  const other = await startDashboard(dir, ["-a", address]);
  expect(other.url).toBe(`http://${shown}:${other.port}`);
  const { status } = await call(other.port, "GET", "/", {
    host: address,
    headers: { host: `${shown}:${other.port}` },
  });
  expect(status).toBe(200);
  expect(await other.end()).toBe(0);
});

test("a port that is taken is told with whose it is and what to do", async () => {
  const { code, out, err } = await dapr(
    "dashboard",
    "-p",
    String(dashboard.port),
  );
  expect({ code, out }).toEqual({ code: 1, out: "" });
  const owner =
    process.platform === "linux" ? ` by node (PID ${dashboard.run.pid})` : "";
  expect(err).toContain(
    `❌  port ${dashboard.port} is taken${owner}: name another one with --port, or 0 for a free one\n`,
  );
});

test.each([
  [["-a", "0.0.0.0"], "Invalid address: 0.0.0.0\n    The dashboard is for"],
  [["-a", "nowhere.example"], "Invalid address: nowhere.example\n    Use"],
  [["-a", "127.0.0.1 "], "Invalid address: 127.0.0.1 \n"],
  [["-f", "no-such.yaml"], "no-such.yaml"],
])("%j is refused with a reason and exit code 1", async (args, why) => {
  const { code, out, err } = await dapr("dashboard", "-p", "0", ...args);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err.startsWith("❌  ")).toBe(true);
  expect(err).toContain(why);
});

test.each([
  [["-p", "65536"], 'invalid argument "65536" for "-p, --port" flag'],
  [["-p", "-1"], 'invalid argument "-1" for "-p, --port" flag'],
  [["-p", "x"], 'invalid argument "x" for "-p, --port" flag'],
  [["--prot", "1"], "unknown flag: --prot\n\nDid you mean --port?"],
  [["now"], "dashboard takes no words: now"],
])("%j is a usage error", async (args, why) => {
  const { code, out, err } = await dapr("dashboard", ...args);
  expect(code).toBe(255);
  expect(out).toContain(why);
  expect(err).toContain(`Error: ${why}`);
  expect(err).toContain("dapr dashboard [flags]");
});

test("--help and --version", async () => {
  const help = await dapr("dashboard", "--help");
  expect(help.code).toBe(0);
  for (const flag of ["-p, --port int", "-a, --address string", "-k, --kub"])
    expect(help.out).toContain(flag);
  const { code, out } = await dapr("dashboard", "-v");
  expect(code).toBe(0);
  expect(out).toContain(`Runtime version: ${daprVersion}`);
});

test("a page is told what runs, what it has, and its calls with bodies", async () => {
  const page = await dashboard.open();
  const app = await page.watched(shop.appId);
  expect(app).toMatchObject({
    httpPort: shop.httpPort,
    command: expect.stringContaining("app.js"),
    subscriptions: [{ pubsubname: "pubsub", topic: "orders" }],
  });
  expect(app.appPid).toBeGreaterThan(0);
  expect(app.components.map(({ name }) => name).sort()).toEqual([
    "files",
    "pubsub",
    "secrets",
    "store",
  ]);
  expect(page.apps()).toHaveLength(1);

  expect(await answerOf(publish('{"orderId":1}'))).toMatchObject({
    status: 204,
    isCut: false,
  });
  const published = await page.call("/v1.0/publish/pubsub/orders");
  expect(published).toMatchObject({
    block: "pubsub",
    target: "pubsub",
    topic: "orders",
    status: 204,
    request: { text: '{"orderId":1}' },
  });
  const delivered = await page.delivery("pubsub");
  expect(delivered).toMatchObject({ topic: "orders", outcome: "success" });
  expect(delivered.request?.text).toContain('"orderId":1');
  page.leave();
});

test("a secret is hidden, and the forms can't ask for one", async () => {
  const page = await dashboard.open();
  await page.watched(shop.appId);
  const path = "/v1.0/secrets/secrets/password";
  const asked = await call(shop.httpPort, "GET", path);
  expect(asked.text).toContain("canary-7391");
  expect((await page.call(path)).response?.hidden).toBeTruthy();
  expect(JSON.stringify(page.events)).not.toContain("canary-7391");
  const refused = await dashboard.post("/api/call", {
    appId: shop.appId,
    method: "GET",
    path,
  });
  expect(refused.status).toBe(400);
  const byUrl = await dashboard.post("/api/call", {
    appId: shop.appId,
    method: "GET",
    path: `/v1.0/invoke/http://127.0.0.1:${shop.httpPort}/method${path}`,
  });
  expect(byUrl.status).toBe(400);
  expect(byUrl.text).not.toContain("canary-7391");
  page.leave();
});

test("state is saved, its keys are listed, a value is read", async () => {
  const items = [1, 2, 3].map((n) => ({ key: `k${n}`, value: { n } }));
  const saved = await answerOf({
    method: "POST",
    path: "/v1.0/state/store",
    contentType: "application/json",
    body: JSON.stringify(items),
  });
  expect(saved.status).toBe(204);
  const keys = (query: string) =>
    dashboard.get(`/api/keys?app=${shop.appId}&${query}`);
  expect((await keys("store=store")).json()).toEqual({
    keys: [1, 2, 3].map((n) => `${shop.appId}||k${n}`),
    next: null,
  });
  const after = encodeURIComponent(`${shop.appId}||k2`);
  expect((await keys(`store=store&after=${after}`)).json()).toMatchObject({
    keys: [`${shop.appId}||k3`],
  });
  expect((await keys("store=none")).status).toBe(404);
  expect((await keys("")).status).toBe(400);
  const value = await answerOf({ method: "GET", path: "/v1.0/state/store/k2" });
  expect(value).toMatchObject({ status: 200, text: '{"n":2}' });
});

test("a method is invoked and a binding is called, each with its answer", async () => {
  const invoked = await answerOf({
    method: "POST",
    path: `/v1.0/invoke/${shop.appId}/method/neworder?x=1`,
    contentType: "text/plain",
    body: "hello",
  });
  expect(invoked).toMatchObject({
    status: 200,
    contentType: "application/json",
    text: '{"echo":"hello"}',
  });
  const failed = await answerOf({
    method: "GET",
    path: `/v1.0/invoke/${shop.appId}/method/fail`,
  });
  expect(failed.status).toBe(500);
  const stored = await answerOf({
    method: "POST",
    path: "/v1.0/bindings/files",
    contentType: "application/json",
    body: '{"operation":"create","data":"x","metadata":{"fileName":"a"}}',
  });
  expect(stored.status).toBe(200);
  expect(readdirSync(join(dir, shop.appId, "files"))).toEqual(["a"]);
});

test("an answer of more than a megabyte is cut", async () => {
  const cut = await answerOf({
    method: "GET",
    path: `/v1.0/invoke/${shop.appId}/method/large`,
  });
  expect(cut.isCut).toBe(true);
  expect(cut.text).toBe("x".repeat(1024 * 1024));
});

test("the lines of the app and of its sidecar come, and go on", async () => {
  const logs = await dashboard.logs(shop.appId);
  const lines = (of: string) =>
    logs.events.flatMap((event) =>
      "line" in event && event.stream === of ? [event.line] : [],
    );
  await waitFor("the app's first line", () => lines("app")[0] === "listening");
  await waitFor("the sidecar's lines", () =>
    lines("daprd").some((line) => line.includes(`app_id=${shop.appId}`)),
  );
  await answerOf({
    method: "POST",
    path: `/v1.0/invoke/${shop.appId}/method/marked-line`,
  });
  await waitFor("a new line", () =>
    lines("app").some((line) => line.startsWith("got POST /marked-line")),
  );
  logs.leave();
});

test("a sidecar that was started by hand is shown, with why its calls are not", async () => {
  const appId = id("by-hand");
  const daprd = await startDaprd({ appId });
  const all = await startDashboard(dir);
  const page = await all.open();
  const app = await waitFor("it to be found", () =>
    page.apps().find((one) => one.appId === appId),
  );
  expect(app).toMatchObject({
    httpPort: daprd.port,
    isWatched: false,
    note: "Its calls and messages are not seen: the sidecar was not started by `dapr run` of this kit.",
  });
  // The one of `dapr run` is seen beside it.
  await page.watched(shop.appId);
  expect((await all.get(`/api/keys?app=${appId}&store=x`)).status).toBe(409);
  const logs = await all.logs(appId);
  await waitFor("a note", () =>
    logs.events.some(
      (event) => "note" in event && event.note.includes("where it was started"),
    ),
  );
  logs.leave();
  page.leave();
  await all.end();
});

test("an app that ends while its sidecar runs on is told so", async () => {
  const mortal = await startShop(dir, id("mortal"));
  const all = await startDashboard(dir, ["-f", mortal.runFile]);
  const page = await all.open();
  const alive = await waitFor("its process", () =>
    page.apps().find(({ appPid }) => appPid > 0),
  );
  expect(alive.hasEnded).toBeUndefined();
  process.kill(alive.appPid, "SIGKILL");
  const ended = await waitFor("its end", () =>
    page.apps().find(({ hasEnded }) => hasEnded),
  );
  expect(ended).toMatchObject({ sidecar: alive.sidecar, appPid: 0 });
  page.leave();
  await all.end();
  await mortal.end();
});

test("a sidecar that ends is gone, and one that starts is there", async () => {
  const page = await dashboard.open();
  const before = await page.watched(shop.appId);
  await shop.end();
  await waitFor("no app to be shown", () => page.apps().length === 0);
  const gone = await dashboard.post("/api/call", publish("1"));
  expect(gone.status).toBe(404);
  shop = await startShop(dir, shop.appId);
  const after = await page.watched(shop.appId);
  expect(after.sidecar).not.toBe(before.sidecar);
  page.leave();
});

test("a sidecar on a socket that asks for an API token is watched, and called with the token", async () => {
  const appId = id("socket");
  const token = { DAPR_API_TOKEN: "an-api-token" };
  const run = cli(
    ["run", "-a", appId, "-u", dir, "--resources-path", "resources"],
    { cwd: dir, env: { ...envOf(dir), ...token } },
  );
  await run.prints("You're up and running!");
  const invoke = {
    appId,
    method: "GET",
    path: `/v1.0/invoke/${appId}/method/x`,
  };
  for (const [env, status] of [
    [{}, 401],
    [token, 500],
  ] as const) {
    const other = await startDashboard(dir, [], env);
    const page = await other.open();
    await page.watched(appId);
    const answer = await other.post("/api/call", invoke);
    expect(answer.json()).toMatchObject({ status });
    page.leave();
    await other.end();
  }
  run.signal("SIGTERM");
  await run.exit;
});

test("five pages are too many", async () => {
  const pages = await Promise.all([1, 2, 3, 4].map(() => dashboard.open()));
  const { status, json } = await dashboard.get("/api/events");
  expect(status).toBe(503);
  expect(json()).toEqual({
    error: expect.stringContaining("4 pages of this dashboard are open"),
  });
  for (const page of pages) page.leave();
  await waitFor("a place", async () => {
    const page = await dashboard.open().catch(() => undefined);
    page?.leave();
    return page;
  });
});

/** Opens a page, waits until the sidecar is watched, and closes it. */
async function visit(use: (page: TestPage) => void = () => {}) {
  const page = await waitFor("a page", () =>
    dashboard.open().catch(() => undefined),
  );
  await page.watched(shop.appId);
  use(page);
  page.leave();
  await page.ended;
}

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("when the last page is closed, the sidecar is let go", async () => {
  const [first, second] = await Promise.all([
    dashboard.open(),
    dashboard.open(),
  ]);
  await first.watched(shop.appId);
  await second.watched(shop.appId);
  const open = () => connectionsTo(shop.httpPort);
  // One for both pages; the dashboard's look at the metadata may be another.
  expect(open()).toBeGreaterThan(0);
  first.leave();
  await first.ended;
  await answerOf(publish('{"orderId":2}'));
  await second.call("/v1.0/publish/pubsub/orders");
  second.leave();
  await waitFor("no connection to be left", () => open() === 0);
});

onLinux("a hundred visits leave nothing behind", async () => {
  const fds = () => readdirSync(`/proc/${dashboard.run.pid}/fd`).length;
  await visit();
  await waitFor(
    "the sidecar to be let go",
    () => !connectionsTo(shop.httpPort),
  );
  const before = fds();
  for (let n = 0; n < 100; n++) await visit();
  await waitFor(
    "all to be closed",
    () => connectionsTo(shop.httpPort) === 0 && fds() <= before + 2,
  );
});

test("the token is nowhere in what a page gets", async () => {
  const folder = join(dir, ".dapr", "instances");
  const tokens = readdirSync(folder).map((name) => name.split(".")[0]);
  expect(tokens.length).toBeGreaterThan(0);
  await visit((page) => {
    const text = JSON.stringify(page.events);
    expect(text).not.toMatch(/token/i);
  });
});
