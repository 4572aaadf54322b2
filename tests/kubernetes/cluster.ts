/** Runs kubectl and the shipped CLI on the cluster that is given to the tests. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";

export const root = join(__dirname, "../..");
const kubeconfig = process.env.DAPR_TEST_KUBECONFIG ?? "";
/** The command that copies images to the cluster's nodes, e.g. `kind load docker-image`. Not needed if the nodes use Docker's own images. */
const load = process.env.DAPR_TEST_CLUSTER_LOAD;

/** The limit for things that happen by themselves. A user would wait no longer. */
export const eventuallyMs = 60_000;

/** Like `waitFor`, but asks less often, so that the cluster gets its share of the machine. */
export const eventually = <T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = eventuallyMs,
) => waitFor(what, condition, timeoutMs, 250);

/** Runs a command and returns its output. Throws with its error output if it fails. */
function run(command: string, args: string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    input,
    timeout: 500_000,
    env: { ...process.env, KUBECONFIG: kubeconfig },
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${stderr || stdout}`);
  return stdout;
}

export const kubectl = (args: string[], input?: string) =>
  run("kubectl", args, input);
export const apply = (yaml: string, ...args: string[]) =>
  kubectl(["apply", "-f", "-", ...args], yaml);
export const getJson = (...args: string[]) =>
  JSON.parse(kubectl(["get", ...args, "-o", "json"]));
/** Several objects for `apply`. */
export const yaml = (...objects: object[]) =>
  objects.map((object) => JSON.stringify(object)).join("\n---\n");

export const dapr = (args: string[], input?: string) =>
  run(process.execPath, ["runtime/bin/dapr.js", ...args], input);

/** Builds the images and loads them, and `more`, into the cluster, unless `npm test` has. Returns the sidecar's image. */
export function loadImages(...more: string[]): string {
  const there = process.env.DAPR_TEST_CLUSTER_IMAGE;
  if (there) return there;
  const images = run(process.execPath, ["scripts/images.ts"])
    .trim()
    .split("\n");
  if (load) {
    const [command = "", ...args] = load.split(" ");
    run(command, [...args, ...images, ...more]);
  }
  return images[0] as string;
}

/** Installs the control plane. Returns when a new pod would get its sidecar. */
export const install = () => dapr(["init", "-k"]);

/** Removes the apps in these namespaces and the control plane. Throws if anything of it is left. */
export function cleanUp(...namespaces: string[]): void {
  const all = ["namespace", ...namespaces];
  kubectl(["delete", ...all, "--ignore-not-found", "--wait=false"]);
  dapr(["uninstall", "-k", "--all"]);
  kubectl(["wait", "--for=delete", ...all, "--timeout=90s"]);
  const left = kubectl([
    "get",
    "namespaces,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,customresourcedefinitions",
    "-o",
    "name",
  ])
    .split("\n")
    .filter((name) => /dapr/.test(name));
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
}

export function ready(namespace: string, ...deployments: string[]): void {
  for (const name of deployments)
    kubectl([
      "-n",
      namespace,
      "rollout",
      "status",
      "--timeout=90s",
      `deployment/${name}`,
    ]);
}

/** Whether a ReplicaSet's pod would get its sidecar now. Creates no pod. */
export function injects(): boolean {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "probe-",
      annotations: { "dapr.io/enabled": "true", "dapr.io/app-id": "probe" },
    },
    spec: { containers: [{ name: "app", image: "none" }] },
  };
  try {
    const out = kubectl(
      [
        "create",
        "-f",
        "-",
        "--dry-run=server",
        "-o",
        "jsonpath={.spec.containers[*].name}",
      ],
      JSON.stringify(pod),
    );
    return out === "app daprd";
  } catch (error) {
    // the injector is not up yet
    if (/webhook/.test((error as Error).message)) return false;
    throw error;
  }
}

/** Opens a local port that leads to the Service until `stop`. */
export async function forward(
  namespace: string,
  service: string,
  port: number,
): Promise<{ port: number; stop: () => void }> {
  const child = start([
    "-n",
    namespace,
    "port-forward",
    `service/${service}`,
    `:${port}`,
  ]);
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  child.stderr.on("data", (chunk) => (said += chunk));
  const [, local] = await waitFor(`port-forward to ${service}`, () =>
    /127\.0\.0\.1:(\d+) ->/.exec(said),
  );
  return { port: Number(local), stop: () => child.kill() };
}

/** Starts a kubectl that keeps running. */
export const start = (args: string[]) =>
  spawn("kubectl", ["--kubeconfig", kubeconfig, ...args]);
