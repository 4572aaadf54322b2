/** `dapr dashboard -k` with a kubectl that only answers, and real sidecars where its ways lead. */
import type { CallAnswer } from "../../runtime/cli/dashboard/messages.ts";
import { listProcesses } from "../../runtime/cli/instances/process-list.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { startDashboard, type TestDashboard } from "../support/dashboard.ts";
import { fakeKubectl, type FakeKubectl } from "../support/fake-kubectl.ts";
import { watchable, watchToken } from "../support/watcher.ts";
import { waitFor } from "../wait-for.ts";
import { cli, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
/** In the names of all pods, so that processes of this test are known. */
const mark = `cluster-${process.pid}`;
const apiToken = "api-token-canary";
let daprd: Daprd;

beforeAll(async () => {
  daprd = await startDaprd({
    appId: "shop",
    env: { ...watchable, DAPR_API_TOKEN: apiToken },
    resources: {
      "store.yaml":
        "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: store }\nspec: { type: state.in-memory, version: v1 }\n",
    },
  });
});
afterAll(async () => {
  await stopAll();
  await remove();
});

interface PodOptions {
  env?: object[];
  state?: object;
  appId?: string;
}

const watchSecret = {
  name: "DAPR_WATCH_TOKEN",
  valueFrom: { secretKeyRef: { name: "watch", key: "token" } },
};
const apiSecret = {
  name: "DAPR_API_TOKEN",
  valueFrom: { secretKeyRef: { name: "api", key: "token" } },
};

const pod = (
  n: number,
  {
    env = [watchSecret, apiSecret],
    state = { running: { startedAt: "2026-11-21T08:00:00Z" } },
    appId = "shop",
  }: PodOptions = {},
) => ({
  kind: "Pod",
  metadata: {
    name: `${mark}-${n}`,
    namespace: "shops",
    uid: `uid-${n}`,
    creationTimestamp: `2026-11-21T08:00:0${n}Z`,
  },
  spec: {
    containers: [
      { name: "web", image: "web:1" },
      {
        name: "daprd",
        image: "d",
        args: ["/daprd", "--app-id", appId, "--dapr-http-port", "3500"],
        env,
      },
    ],
  },
  status: {
    phase: "Running",
    containerStatuses: [{ name: "daprd", ready: true, state }],
  },
});

const base64 = (text: string) => Buffer.from(text).toString("base64");
const forbidden = (what: string) => ({
  code: 1,
  err: `Error from server (Forbidden): ${what} is forbidden: User "jane" cannot do that\n`,
});

/** With the pods given, all of them led to the sidecar. */
function cluster(...pods: object[]): FakeKubectl & {
  show(...now: object[]): void;
} {
  const kubectl = fakeKubectl();
  const { answer } = kubectl;
  answer("config current-context", "kind-test\n");
  answer("config view --minify", "");
  answer("get --raw /version", "{}");
  answer("get pods -n dapr-system -l app in", {
    items: [{ metadata: { name: "dapr-operator", namespace: "dapr-system" } }],
  });
  answer("port-forward", `Forwarding from 127.0.0.1:${daprd.port} -> 3500\n`, {
    stays: true,
  });
  answer("get secret watch -n shops", { data: { token: base64(watchToken) } });
  answer("get secret api -n shops", { data: { token: base64(apiToken) } });
  const show = (...now: object[]) =>
    answer("get pods --all-namespaces -l dapr.io/sidecar-injected=true", {
      items: now,
    });
  show(...pods);
  return { ...kubectl, show };
}

let started: TestDashboard[] = [];
async function start(kubectl: FakeKubectl, ...args: string[]) {
  const dashboard = await startDashboard(dir, ["-k", ...args], kubectl.env);
  started.push(dashboard);
  return dashboard;
}

/** What a test that failed has left does not disturb the next one. */
afterEach(async () => {
  for (const { run } of started) {
    run.signal("SIGKILL");
    await run.exit;
  }
  started = [];
  await noWays();
});

/** What runs of kubectl for that pod, the shell above it included. */
const waysTo = async (name: string) =>
  (await listProcesses()).filter(({ args }) =>
    args.some((arg) => arg.includes(name)),
  );
const noWays = (name = mark) =>
  waitFor(`nothing of ${name} to run`, async () => {
    return (await waysTo(name)).length === 0;
  });

const save = (dashboard: TestDashboard, sidecar?: string) =>
  dashboard.post("/api/call", {
    appId: "shop",
    ...(sidecar ? { sidecar } : {}),
    method: "POST",
    path: "/v1.0/state/store",
    contentType: "application/json",
    body: '[{"key":"order","value":42}]',
  });

test("a pod is found and watched, its calls are seen, its sidecar is called, and no token is told", async () => {
  const kubectl = cluster(pod(1));
  const dashboard = await start(kubectl);
  expect(dashboard.run.out.split("\n")[0]).toContain(
    "Dapr control plane found in namespace:\tdapr-system",
  );
  const page = await dashboard.open();
  const app = await page.watched("shop");
  expect(app).toMatchObject({
    sidecar: `shops/${mark}-1`,
    pod: { name: `${mark}-1`, namespace: "shops", containers: ["web: web:1"] },
    httpPort: 3500,
    components: [{ name: "store" }],
  });
  expect(app.note).toBeUndefined();
  expect(page.events).toContainEqual(
    expect.objectContaining({ type: "apps", cluster: "kind-test" }),
  );
  const { status, json } = await save(dashboard, app.sidecar);
  expect({ status, answer: json() }).toMatchObject({
    status: 200,
    answer: { status: 204 },
  });
  expect(await page.call("/v1.0/state/store")).toMatchObject({ status: 204 });
  const keys = await dashboard.get("/api/keys?app=shop&store=store");
  expect(keys.json()).toEqual({ keys: ["shop||order"], next: null });
  const told = [
    JSON.stringify(page.events),
    dashboard.run.out,
    dashboard.run.err,
    JSON.stringify(await waysTo(mark)),
    JSON.stringify(kubectl.calls()),
  ].join("\n");
  for (const secret of [watchToken, apiToken])
    for (const form of [secret, base64(secret)])
      expect(told).not.toContain(form);
  // Another cluster that becomes the current one meanwhile is not looked at.
  const [, ...later] = kubectl.calls();
  for (const { args } of later) expect(args).toMatch(/ --context kind-test$/);
  expect(await dashboard.end()).toBe(0);
  await noWays();
});

test("the environment's API token goes to no pod", async () => {
  const kubectl = cluster(pod(1, { env: [watchSecret] }));
  const dashboard = await startDashboard(dir, ["-k"], {
    ...kubectl.env,
    DAPR_API_TOKEN: apiToken,
  });
  const page = await dashboard.open();
  await page.watched("shop");
  expect((await save(dashboard)).json()).toMatchObject({ status: 401 });
  await dashboard.end();
});

test.each([
  [
    "without a token",
    { env: [] },
    'Its calls and messages are seen when its pod template has the annotation dapr.io/env-from-secret: "DAPR_WATCH_TOKEN=SECRET:KEY"',
  ],
  [
    "with a short token",
    { env: [{ name: "DAPR_WATCH_TOKEN", value: "short" }] },
    "its DAPR_WATCH_TOKEN has to be at least 32 printable characters",
  ],
  [
    "whose token is another one",
    { env: [{ name: "DAPR_WATCH_TOKEN", value: "x".repeat(32) }] },
    "the sidecar does not let itself be watched",
  ],
  [
    "that does not run",
    { state: { waiting: { reason: "CrashLoopBackOff" } } },
    "The sidecar does not run: CrashLoopBackOff. More: kubectl describe pod",
  ],
])("a sidecar %s is shown, with what can be done", async (_, options, note) => {
  const dashboard = await start(cluster(pod(1, options)));
  const page = await dashboard.open();
  await waitFor("the note", () =>
    page.apps().some((one) => one.note?.includes(note)),
  );
  expect(page.apps()[0]).toMatchObject({ appId: "shop", isWatched: false });
  await dashboard.end();
});

test("a Secret that may not be read, one without the key and a way that is denied are told, and nothing ends", async () => {
  const kubectl = cluster(pod(1));
  kubectl.answer("get secret watch", "", forbidden('secrets "watch"'));
  kubectl.answer("get secret api", { data: { other: "" } });
  kubectl.answer("port-forward", "", forbidden("pods/portforward"));
  const dashboard = await start(kubectl);
  const page = await dashboard.open();
  for (const part of [
    'Secret watch of namespace shops, which has its DAPR_WATCH_TOKEN, can\'t be read: this user lacks rights in the cluster: secrets "watch" is forbidden',
    "Secret api of namespace shops has no key token for DAPR_API_TOKEN",
    "The sidecar can't be reached: this user lacks rights in the cluster: pods/portforward is forbidden",
  ])
    await waitFor(`"${part}"`, () => page.apps()[0]?.note?.includes(part));
  const { status, text } = await save(dashboard);
  expect(status).toBe(502);
  expect(text).toContain("pods/portforward is forbidden");
  await dashboard.end();
  await noWays();
});

test("replicas are shown one by one; pods that come and go appear and vanish", async () => {
  const kubectl = cluster(pod(1), pod(2));
  const dashboard = await start(kubectl);
  const page = await dashboard.open();
  const shown = () => page.apps().map(({ sidecar }) => sidecar);
  const shows = (...numbers: number[]) =>
    waitFor(`the pods ${numbers.join()}`, () => {
      return shown().join() === numbers.map((n) => `shops/${mark}-${n}`).join();
    });
  await shows(1, 2);
  await waitFor("both to be watched", () =>
    page.apps().every(({ isWatched }) => isWatched),
  );
  kubectl.show(pod(2), pod(3));
  await shows(2, 3);
  await noWays(`${mark}-1`);
  // One that takes the name of another, as in a StatefulSet.
  const { metadata, ...rest } = pod(2);
  kubectl.show(pod(3), { ...rest, metadata: { ...metadata, uid: "new" } });
  await waitFor("a way to the new pod", () => {
    const ways = kubectl
      .calls()
      .filter(({ args }) => args.startsWith(`port-forward pod/${mark}-2`));
    return ways.length === 2;
  });
  kubectl.show();
  await shows();
  await noWays();
  await dashboard.end();
});

test("a way that breaks is opened again", async () => {
  const dashboard = await start(cluster(pod(1)));
  const page = await dashboard.open();
  await page.watched("shop");
  const [way] = (await waysTo(`${mark}-1`)).filter(({ args }) =>
    args.some((arg) => arg.endsWith("/kubectl")),
  );
  process.kill(way!.pid, "SIGKILL");
  await waitFor("another way", async () => {
    const ways = await waysTo(`${mark}-1`);
    return ways.length === 2 && ways.every(({ pid }) => pid !== way!.pid);
  });
  await waitFor("it to lead there", async () => {
    const { status, json } = await save(dashboard);
    return status === 200 && (json() as CallAnswer).status === 204;
  });
  await dashboard.end();
});

test("the lines of the app's container and of the sidecar come, and begin anew where they ended", async () => {
  const kubectl = cluster(pod(1));
  const line = (second: number, text: string) =>
    `2026-11-21T08:00:0${second}.5Z ${text}\n`;
  const app = `logs --follow ${mark}-1 -n shops -c web --timestamps`;
  kubectl.answer(`${app} --tail=200`, line(1, "one") + line(2, "two"));
  kubectl.answer(
    `${app} --since-time=2026-11-21T08:00:02.5Z`,
    line(2, "two") + line(3, "\u001b[31mthree\u001b[0m"),
    { stays: true },
  );
  kubectl.answer(`logs --follow ${mark}-1 -n shops -c daprd`, "", {
    code: 1,
    err: 'Error from server (BadRequest): container "daprd" is waiting to start\n',
  });
  const dashboard = await start(kubectl);
  const logs = await dashboard.logs("shop");
  const texts = (stream: string) =>
    logs.events.flatMap((event) =>
      "line" in event && event.stream === stream ? [event.line] : [],
    );
  await waitFor("three lines", () => texts("app").length >= 3);
  expect(texts("app")).toEqual(["one", "two", "three"]);
  await waitFor("a note", () =>
    logs.events.some(
      (event) => "note" in event && event.note.includes("waiting to start"),
    ),
  );
  kubectl.answer(`logs --follow ${mark}-1 -n shops -c daprd`, "", {
    code: 1,
    err: `Error from server (NotFound): pods "${mark}-1" not found\n`,
  });
  await waitFor("the end of the pod", () =>
    logs.events.some(
      (event) => "note" in event && event.note === "The pod is gone.",
    ),
  );
  logs.leave();
  await waitFor("no log to be followed", async () =>
    (await waysTo(mark)).every(({ args }) => !args.includes("--follow")),
  );
  await dashboard.end();
});

test("when nobody looks for a while the ways close, and they open again for the next one", async () => {
  const kubectl = cluster(pod(1));
  const dashboard = await start(kubectl);
  expect(await waysTo(mark)).toEqual([]);
  const page = await dashboard.open();
  await page.watched("shop");
  expect(await waysTo(mark)).toHaveLength(2);
  page.leave();
  await noWays();
  const asked = kubectl.calls().length;
  const again = await dashboard.open();
  await again.watched("shop");
  expect(kubectl.calls().length).toBeGreaterThan(asked);
  await dashboard.end();
});

test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)(
  "%s leaves nothing behind",
  async (signal) => {
    const kubectl = cluster(pod(1), pod(2));
    kubectl.answer("logs --follow", "", { stays: true });
    const dashboard = await start(kubectl);
    const page = await dashboard.open();
    await page.watched("shop");
    const logs = await dashboard.logs("shop");
    await waitFor("two ways and two logs", async () => {
      return (await waysTo(mark)).length === 8;
    });
    dashboard.run.signal(signal);
    await dashboard.run.exit;
    await noWays();
    logs.leave();
    page.leave();
  },
);

test("who may not look at all namespaces sees the one of the context", async () => {
  const kubectl = cluster();
  kubectl.answer("get pods -n dapr-system", "", forbidden("pods"));
  kubectl.answer("get pods --all-namespaces", "", forbidden("pods"));
  kubectl.answer("config view --minify", "shops");
  kubectl.answer("get pods -n shops -l dapr.io/sidecar-injected=true", {
    items: [pod(1)],
  });
  const dashboard = await start(kubectl);
  const { out } = dashboard.run;
  expect(out).toContain("Whether Dapr is in namespace dapr-system can't be");
  expect(out).not.toContain("found in namespace");
  expect(out).toContain("the apps of namespace shops are shown");
  const page = await dashboard.open();
  await page.watched("shop");
  await dashboard.end();
});

async function refused(kubectl: FakeKubectl, ...args: string[]) {
  const run = cli(["dashboard", "-k", "-p", "0", ...args], {
    env: kubectl.env,
  });
  expect(await run.exit).toBe(1);
  expect(run.out).not.toContain("available");
  expect(run.err).toMatch(/^❌ {2}.*\n$/);
  return run.err;
}

test("each reason that it can't work is one error with what to do", async () => {
  const nowhere = cluster();
  const nothing = { items: [] };
  nowhere.answer("get pods -n dapr-system", nothing);
  nowhere.answer("get pods --all-namespaces -l app in", nothing);
  expect(await refused(nowhere)).toContain(
    "no Dapr control plane was found in namespace dapr-system: `dapr init -k` installs it",
  );
  nowhere.answer("get pods --all-namespaces -l app in", {
    items: [{ metadata: { namespace: "other" } }],
  });
  expect(await refused(nowhere)).toContain(
    "it is in namespace other: `dapr dashboard -k -n other`",
  );
  const denied = cluster();
  denied.answer("get pods --all-namespaces", "", forbidden("pods"));
  denied.answer("get pods -n default", "", forbidden("pods"));
  expect(await refused(denied)).toContain(
    "neither in all namespaces nor in default, the context's: this user lacks rights in the cluster: pods is forbidden",
  );
  const away = cluster();
  away.answer("get --raw /version", "", {
    code: 1,
    err: "Unable to connect to the server: dial tcp: connection refused\n",
  });
  expect(await refused(away)).toContain(
    "kubectl does not get through to a cluster",
  );
  expect(await refused(away, "-n", "Bad NS")).toContain("can't be a namespace");
  expect(await refused({ ...away, env: { PATH: dir } })).toContain(
    "kubectl was not found on PATH",
  );
});

test("a run file has no meaning there, and is said to have none", async () => {
  const dashboard = await start(cluster(), "-f", "dapr.yaml");
  expect(dashboard.run.out).toContain("Without effect with -k: --run-file");
  await dashboard.end();
});
