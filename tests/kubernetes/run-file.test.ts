/** A run file in a cluster: `dapr run -k -f`, `stop -k -f`, and what follows a new root certificate. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../support/temp-folder.ts";
import {
  apply,
  dapr,
  eventually,
  getJson,
  install,
  kubectl,
  loadImages,
  root,
  yaml,
} from "./cluster.ts";

const id = "kit-run-file";
const folder = tempFolder("run-file");
const file = join(folder, "dapr.yaml");
const tick = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name: "sample-topic", namespace: "default" },
  spec: {
    type: "bindings.cron",
    version: "v1",
    metadata: [{ name: "schedule", value: "@every 1s" }],
  },
  scopes: [id],
};

interface Run {
  out: string;
  child: ChildProcess;
  ended: Promise<number | null>;
}
let run: Run | undefined;

function startRun(): Run {
  const child = spawn(
    process.execPath,
    [join(root, "runtime/bin/dapr.js"), "run", "-k", "-f", file],
    {
      cwd: folder,
      env: { ...process.env, KUBECONFIG: process.env.DAPR_TEST_KUBECONFIG },
    },
  );
  const ended = once(child, "close").then(([code]) => code as number | null);
  const started: Run = { out: "", child, ended };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => (started.out += text));
  run = started;
  return started;
}

const prints = (started: Run, text: string) =>
  eventually(`"${text}" in:\n${started.out}`, () => started.out.includes(text));
/** The control plane removes the Service of its own after the app. */
const isGone = () =>
  eventually(
    "nothing is left of the app",
    () =>
      !kubectl([
        "get",
        "deployments,services",
        "-n",
        "default",
        "-o",
        "name",
      ]).includes(id),
  );

beforeAll(() => {
  const image = loadImages().replace(/dapr(?=:[^:/]*$)/, "nodeapp");
  install();
  apply(yaml(tick));
  mkdirSync(join(folder, "orders"));
  writeFileSync(
    file,
    `
version: 1
apps:
  - appDirPath: orders
    appID: ${id}
    appPort: 3000
    containerImage: ${image}
    containerImagePullPolicy: IfNotPresent
    createService: true
    env: {REGION: eu}
`,
  );
});
afterAll(async () => {
  run?.child.kill("SIGKILL");
  await run?.ended;
  const all = [`deployment/${id}`, `service/${id}`];
  kubectl(["delete", "-n", "default", "--ignore-not-found", ...all]);
  dapr(["uninstall", "-k", "--all"]);
});

test("the apps of the file run, their lines come here, and Ctrl+C leaves nothing", async () => {
  const started = startRun();
  await prints(started, "== APP - kit-run-file == Hello from Kafka!");
  const { spec } = getJson("deployment", id, "-n", "default");
  const [{ env }] = spec.template.spec.containers;
  expect(env).toContainEqual({ name: "REGION", value: "eu" });
  expect(getJson("service", id, "-n", "default").spec).toMatchObject({
    type: "LoadBalancer",
    ports: [{ port: 80, targetPort: 3000 }],
  });
  started.child.kill("SIGINT");
  expect(await started.ended).toBe(0);
  expect(started.out).toContain(
    "Received signal to stop. Deleting K8s Dapr app deployments.",
  );
  await isGone();
});

test("stop -k -f ends them from elsewhere, also after a new root certificate", async () => {
  const told = dapr(["mtls", "renew-certificate", "-k", "--restart"]);
  expect(told).toContain("Certificate rotation is successful!");
  expect(dapr(["mtls", "expiry", "-k"])).toMatch(/expires in 87\d\d hours/);
  const started = startRun();
  await prints(started, "== APP - kit-run-file == Hello from Kafka!");
  expect(dapr(["stop", "-k", "-f", file])).toContain(
    "Dapr and app processes stopped successfully",
  );
  expect(await started.ended).toBe(0);
  await isGone();
});
