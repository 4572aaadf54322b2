/** kubectl against the cluster that is given to the tests, and an installation of the control plane in it. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import {
  installation,
  toYaml,
} from "../../runtime/kubernetes/manifests/install.ts";
import { defaultInstall } from "../../runtime/kubernetes/manifests/options.ts";
import { waitFor } from "../wait-for.ts";

const root = join(__dirname, "../..");
const kubeconfig = process.env.DAPR_TEST_KUBECONFIG ?? "";
/** Copies images into the cluster's nodes, e.g. `kind load docker-image`; not needed where they share Docker's. */
const load = process.env.DAPR_TEST_CLUSTER_LOAD;

/** What kubectl printed; throws with what it said when it failed. */
export function kubectl(args: string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync(
    "kubectl",
    ["--kubeconfig", kubeconfig, ...args],
    { encoding: "utf8", input, timeout: 120_000 },
  );
  if (status !== 0)
    throw new Error(`kubectl ${args.join(" ")}: ${stderr || stdout}`);
  return stdout;
}

export const apply = (yaml: string, ...args: string[]) =>
  kubectl(["apply", "-f", "-", ...args], yaml);
export const getJson = (...args: string[]) =>
  JSON.parse(kubectl(["get", ...args, "-o", "json"]));

/** Builds the images, brings them into the cluster and returns the sidecar's name. */
export function loadImages(...more: string[]): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["scripts/images.ts"],
    { cwd: root, encoding: "utf8", timeout: 500_000 },
  );
  if (status !== 0) throw new Error(`npm run images: ${stderr}`);
  const images = stdout.trim().split("\n");
  if (load) {
    const [command = "", ...args] = load.split(" ");
    const loaded = spawnSync(command, [...args, ...images, ...more], {
      encoding: "utf8",
      timeout: 300_000,
    });
    if (loaded.status !== 0) throw new Error(`${load}: ${loaded.stderr}`);
  }
  return images[0] as string;
}

/** Installs the control plane as `dapr init -k` does, and waits until both parts are ready. */
export async function install(image: string): Promise<void> {
  const { crds, rest } = installation(defaultInstall(image));
  apply(toYaml(crds));
  for (const { metadata } of crds)
    kubectl([
      "wait",
      "--for=condition=Established",
      "--timeout=30s",
      `crd/${metadata.name}`,
    ]);
  apply(toYaml(rest));
  ready("dapr-system", "dapr-operator", "dapr-sidecar-injector");
  // The webhook is what users wait for: a pod that comes back with its sidecar.
  await waitFor("the webhook to inject", () => injects(), 30_000);
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

/** Whether a pod made by a ReplicaSet would get its sidecar now; makes none. */
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
    // not yet: the injector is on its way
    if (/webhook/.test((error as Error).message)) return false;
    throw error;
  }
}

export async function uninstall(image: string): Promise<void> {
  const { crds, rest } = installation(defaultInstall(image));
  const gone = ["delete", "--ignore-not-found", "--wait=true", "-f", "-"];
  // The webhook first: it must not hold up pods without the injector.
  kubectl(gone, toYaml(rest.toReversed()));
  kubectl(gone, toYaml(crds));
}

/** A local port that leads to the Service, until `stop`. */
export async function forward(
  namespace: string,
  service: string,
  port: number,
): Promise<{ port: number; stop: () => void }> {
  const child = spawn("kubectl", [
    "--kubeconfig",
    kubeconfig,
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
