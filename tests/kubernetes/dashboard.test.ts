/** `dapr dashboard -k` on a real cluster, its page in a real browser: orders on their way, pods that are replaced, rights. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { listProcesses } from "../../runtime/cli/instances/process-list.ts";
import { findBrowser } from "../../scripts/browser.ts";
import { startDashboard, type TestDashboard } from "../support/dashboard.ts";
import { tempFolder } from "../support/temp-folder.ts";
import {
  apply,
  cleanUp,
  eventually,
  install,
  kubectl,
  loadImages,
  yaml,
} from "./cluster.ts";
import { annotated, idleApp } from "./idle-app.ts";
import { podsIn } from "./pods.ts";

const pods = podsIn("dapr-dashboard-test");
const { namespace } = pods;
const dir = tempFolder("cluster-dashboard");
const token = randomBytes(24).toString("hex");
const apiToken = randomBytes(24).toString("hex");
let browser: Browser;
let page: Page;
let dashboard: TestDashboard;

/** Takes orders, and keeps the last one in its state store. */
const taker = `
  require("node:http").createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    if (incoming.url === "/neworder") console.log("got " + body);
    outgoing.setHeader("content-type", "application/json");
    outgoing.end(JSON.stringify({ taken: incoming.url }));
  }).listen(3000);`;

/** Sends an order each half second. */
const sender = `
  let orderId = 0;
  setInterval(() => fetch("http://127.0.0.1:3500/v1.0/invoke/taker/method/neworder", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ orderId: ++orderId }),
  }).then((reply) => reply.text(), () => {}), 500);`;

function app(
  name: string,
  program: string,
  image: string,
  annotations: Record<string, string>,
  replicas = 1,
) {
  const deployment = idleApp(
    namespace,
    name,
    image,
    annotated(name, annotations),
    replicas,
  );
  deployment.spec.template.spec.containers[0]!.args = ["node", "-e", program];
  return deployment;
}

const start = (kubeconfig = process.env.DAPR_TEST_KUBECONFIG!) =>
  startDashboard(dir, ["-k"], { KUBECONFIG: kubeconfig });

const kubectls = async () =>
  (await listProcesses()).filter(
    ({ args }) =>
      args.includes(namespace) &&
      (args.includes("port-forward") || args.includes("logs")),
  );
const noKubectls = () =>
  eventually("no kubectl to run", async () => (await kubectls()).length === 0);

beforeAll(async () => {
  const image = loadImages();
  install();
  kubectl(["create", "namespace", namespace]);
  const secret = (name: string, value: string) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    stringData: { token: value },
  });
  apply(
    yaml(
      secret("watch", token),
      secret("api", apiToken),
      {
        apiVersion: "dapr.io/v1alpha1",
        kind: "Component",
        metadata: { name: "statestore", namespace },
        spec: { type: "state.in-memory", version: "v1", metadata: [] },
      },
      app(
        "taker",
        taker,
        image,
        {
          "app-port": "3000",
          "env-from-secret": "DAPR_WATCH_TOKEN=watch:token",
          "api-token-secret": "api",
        },
        2,
      ),
      app("sender", sender, image, { env: `DAPR_WATCH_TOKEN=${token}` }),
      app("unwatched", "setInterval(() => {}, 1e6)", image, {}),
    ),
  );
  for (const name of ["sender", "unwatched"]) await pods.ready(name);
  await eventually("two takers", () => {
    const found = pods.of("taker");
    return found.length === 2 && found.every(pods.isReady);
  });
  browser = await chromium.launch({ executablePath: findBrowser()! });
  dashboard = await start();
  await open();
}, 600_000);

async function open() {
  const context = await browser.newContext({
    viewport: { width: 1100, height: 1200 },
  });
  // Far more than anything takes on a busy machine: the clock decides no test.
  context.setDefaultTimeout(120_000);
  page = await context.newPage();
  await page.goto(dashboard.url);
  await takersWatched(pods.of("taker").map(({ metadata }) => metadata.name));
}

/** Those very pods, and no other. */
const takersWatched = (names: string[]) =>
  eventually(`${names.join()} to be watched`, async () => {
    const boxes = page.locator(".sidecar.watched", { hasText: "taker-" });
    const titles = await boxes.locator("title").allTextContents();
    return (
      titles.length === names.length &&
      names.every((name) => titles.some((title) => title.startsWith(name)))
    );
  });

afterAll(async () => {
  await browser?.close();
  dashboard?.run.signal("SIGKILL");
  cleanUp(namespace);
});

test("it says where Dapr is and where its page is", () => {
  expect(dashboard.run.out).toContain(
    "Dapr control plane found in namespace:\tdapr-system",
  );
  expect(dashboard.run.out).toMatch(
    /Dapr dashboard available at:\thttp:\/\/localhost:\d+\n/,
  );
});

test("orders are seen on their way, with their bodies, at both replicas", async () => {
  const sent = page.getByRole("option", { name: "sender calls POST" });
  await sent.first().waitFor();
  const got = page.getByRole("option", { name: "sender → /neworder 200" });
  await got.first().click();
  await page
    .getByRole("region", { name: "Details" })
    .getByText('"orderId":')
    .waitFor();
  for (const { metadata } of pods.of("taker"))
    await page
      .locator("[data-edge]")
      .and(page.locator(`[data-edge="${namespace}/${metadata.name} app"]`))
      .waitFor({ state: "attached" });
  await page.locator(".dot").first().waitFor();
});

test("the forms, the keys and the lines are those of the chosen pod", async () => {
  const [{ metadata }] = pods.of("taker") as [
    { metadata: { name: string } },
    unknown,
  ];
  await page.locator(".chip", { hasText: `taker (${metadata.name})` }).click();
  await page.getByText(`taker (${metadata.name})`).waitFor();
  await page.getByRole("tab", { name: "Try it" }).click();
  const save = page.getByRole("form", { name: "Save state" });
  await save.getByLabel("Key").fill("last");
  await save.getByRole("button").click();
  await save.getByText("✓ 204 No Content").waitFor();
  const invoke = page.getByRole("form", { name: "Invoke a method" });
  await invoke.getByLabel("Method").fill("by-hand");
  await invoke.getByRole("button").click();
  await invoke.getByText("✓ 200 OK").waitFor();
  await page.getByRole("tab", { name: "State" }).click();
  await page
    .getByRole("button", { name: "Read the keys of statestore" })
    .click();
  await page.getByText("taker||last").waitFor();
  await page.getByRole("tab", { name: "Logs" }).click();
  const log = page.getByRole("log");
  await log.getByText('got {"orderId":').first().waitFor();
  await log.getByText("app_id=taker").first().waitFor();
});

test("a pod without a token shows what its metadata tell, and which annotation brings the rest", async () => {
  await page.locator(".chip", { hasText: "unwatched" }).click();
  await page.getByRole("tab", { name: "Overview" }).click();
  await page
    .locator(".note", {
      hasText: 'annotation dapr.io/env-from-secret: "DAPR_WATCH_TOKEN=',
    })
    .waitFor();
  await page
    .getByRole("region", { name: "Components" })
    .getByText("state.in-memory")
    .waitFor();
});

test("no token is told, nor is it in the process list", async () => {
  const stream = await dashboard.open();
  await stream.watched("sender");
  const processes = (await listProcesses()).map(({ args }) => args.join(" "));
  const told = [
    JSON.stringify(stream.events),
    dashboard.run.out,
    dashboard.run.err,
    ...processes,
  ].join("\n");
  stream.leave();
  for (const secret of [token, apiToken]) {
    expect(told).not.toContain(secret);
    expect(told).not.toContain(Buffer.from(secret).toString("base64"));
  }
});

test("pods that are replaced vanish, and those in their place appear", async () => {
  const names = () => pods.of("taker").map(({ metadata }) => metadata.name);
  const before = names();
  pods.kubectl(["rollout", "restart", "deployment/taker"]);
  pods.kubectl(["rollout", "status", "deployment/taker", "--timeout=180s"]);
  const after = names();
  expect(after).not.toEqual(before);
  await takersWatched(after);
  const [first] = after;
  pods.kubectl(["delete", "pod", first!, "--wait=false"]);
  await eventually("another pod in its place", () => {
    const now = names();
    return now.length === 2 && !now.includes(first!);
  });
  await takersWatched(names());
  await eventually("no way to a pod that is gone", async () => {
    const args = (await kubectls()).flatMap((one) => one.args);
    return [...before, first!].every((name) => !args.includes(`pod/${name}`));
  });
});

test("a sidecar that restarts in its pod is seen again", async () => {
  const [taker] = pods.of("taker");
  const { name } = taker!.metadata;
  // The image has no shell that could send a signal: the sidecar is asked to end.
  const answer = await kubectl([
    "exec",
    "-n",
    namespace,
    name,
    "-c",
    "app",
    "--",
    "node",
    "-e",
    `fetch("http://127.0.0.1:3500/v1.0/shutdown", { method: "POST", headers: { "dapr-api-token": "${apiToken}" } }).then((reply) => console.log(reply.status))`,
  ]);
  expect(answer.trim()).toBe("204");
  await eventually("its sidecar to have restarted", () =>
    pods
      .of("taker")
      .find(({ metadata }) => metadata.name === name)
      ?.status.containerStatuses?.some(
        (one) => one.name === "daprd" && one.restartCount > 0 && one.ready,
      ),
  );
  await takersWatched(pods.of("taker").map(({ metadata }) => metadata.name));
});

test("who may only list and forward in one namespace sees its apps", async () => {
  const kubeconfig = limitedUser();
  const limited = await start(kubeconfig);
  expect(limited.run.out).toContain(
    `the apps of namespace ${namespace} are shown`,
  );
  const stream = await limited.open();
  // Its token is in the pod's own object.
  await stream.watched("sender");
  const taker = await eventually("the takers", () =>
    stream.apps().find(({ appId }) => appId === "taker"),
  );
  expect(taker.note).toContain("Secret watch of namespace");
  expect(taker.note).toContain("this user lacks rights in the cluster");
  stream.leave();
  expect(await limited.end()).toBe(0);
});

/** The path of a kubeconfig. */
function limitedUser(): string {
  const verbs = (resource: string, ...verbs: string[]) => ({
    apiGroups: [""],
    resources: [resource],
    verbs,
  });
  const account = "looker";
  const object = (kind: string, more: object) => ({
    apiVersion:
      kind === "ServiceAccount" ? "v1" : "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name: account, namespace },
    ...more,
  });
  apply(
    yaml(
      object("ServiceAccount", {}),
      object("Role", {
        rules: [
          verbs("pods", "get", "list"),
          verbs("pods/log", "get"),
          verbs("pods/portforward", "create"),
        ],
      }),
      object("RoleBinding", {
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "Role",
          name: account,
        },
        subjects: [{ kind: "ServiceAccount", name: account, namespace }],
      }),
    ),
  );
  const config = JSON.parse(
    kubectl(["config", "view", "--raw", "--flatten", "--minify", "-o", "json"]),
  );
  config.users[0].user = {
    token: pods.kubectl(["create", "token", account]).trim(),
  };
  config.contexts[0].context.namespace = namespace;
  const file = join(dir, "limited.json");
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

test("when the command ends, or is killed, nothing of it is left", async () => {
  expect(await kubectls()).not.toEqual([]);
  expect(await dashboard.end()).toBe(0);
  await page.getByText("The dashboard does not answer.").waitFor();
  await noKubectls();
  dashboard = await start();
  const stream = await dashboard.open();
  await stream.watched("sender");
  const logs = await dashboard.logs("sender");
  await eventually("a log to be followed", async () =>
    (await kubectls()).some(({ args }) => args.includes("--follow")),
  );
  dashboard.run.signal("SIGKILL");
  await dashboard.run.exit;
  await noKubectls();
  stream.leave();
  logs.leave();
});
