/** The Kubernetes cluster that tests may change: never the one that kubectl happens to point to. */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { root } from "./docker.ts";
import { fail } from "./options.ts";

/** Why the cluster tests cannot run, or `undefined` when a cluster is given and answers. */
export function clusterProblem(): string | undefined {
  const kubeconfig = process.env.DAPR_TEST_KUBECONFIG;
  if (!kubeconfig)
    return "no cluster is given: set DAPR_TEST_KUBECONFIG to the kubeconfig of one that tests may change";
  const { error, status } = spawnSync(
    "kubectl",
    ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"],
    { stdio: "ignore", timeout: 15_000 },
  );
  if (status === 0) return undefined;
  return (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT"
    ? "kubectl is not installed"
    : `the cluster of ${kubeconfig} does not answer`;
}

/**
 * The tutorials' stage for a cluster as it runs against the one given to the tests: that one may want its images
 * in another way than kind, or share Docker's.
 */
export const forGivenCluster = (commands: string): string =>
  commands.replaceAll(
    "kind load docker-image",
    `"${process.execPath}" scripts/cluster.ts`,
  );

/**
 * Once for all cluster tests: builds the images and brings them into the cluster, with what else they deploy. Jest's
 * processes find the sidecar's name in DAPR_TEST_CLUSTER_IMAGE.
 */
export function prepareCluster(): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["scripts/images.ts"],
    { cwd: root, encoding: "utf8", maxBuffer: Infinity },
  );
  if (status !== 0) throw new Error(`npm run images: ${stderr}`);
  const images = stdout.trim().split("\n");
  loadImages(...images, "redis:7", "apache/kafka:4.1.1");
  process.env.DAPR_TEST_CLUSTER_IMAGE = images[0];
}

/** What the cluster would take from a registry, where Docker has it already. */
export function loadImages(...images: string[]): void {
  const load = process.env.DAPR_TEST_CLUSTER_LOAD?.split(" ");
  if (!load) return;
  const [command = "", ...args] = load;
  const there = images.map(withId).filter(({ id }) => id !== undefined);
  const loaded = loadedSoFar();
  const missing = there.filter(({ line }) => !loaded.includes(line));
  if (missing.length === 0) return;
  const { status, stderr } = spawnSync(
    command,
    [...args, ...missing.map(({ image }) => image)],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`${load.join(" ")}: ${stderr}`);
  const file = process.env[loadedFile];
  if (file)
    appendFileSync(file, missing.map(({ line }) => `${line}\n`).join(""));
}

/** Names the file that has what this run of the tests brought into the cluster: nothing is brought in twice. */
export const loadedFile = "DAPR_TEST_CLUSTER_LOADED";

function loadedSoFar(): string[] {
  const file = process.env[loadedFile];
  return file && existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
}

/** An image that is built anew has another ID under its old name. */
function withId(image: string) {
  const { status, stdout } = spawnSync(
    "docker",
    ["image", "inspect", "--format={{.Id}}", image],
    { encoding: "utf8" },
  );
  const id = status === 0 ? stdout.trim() : undefined;
  return { image, id, line: `${image} ${id}` };
}

// In place of a tutorial's `kind load docker-image`.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const images = process.argv.slice(2);
  const absent = images.filter((image) => !withId(image).id);
  if (images.length === 0 || absent.length > 0)
    fail(`No such images: ${absent.join(", ") || "none is named"}.`);
  loadImages(...images);
}
