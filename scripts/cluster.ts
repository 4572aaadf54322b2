/** The Kubernetes cluster that tests may change. It is always named; the one that kubectl points to is never used. */
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
 * A tutorial's commands, changed for the cluster given to the tests: `kind load` becomes a call of this script, since
 * that cluster may load images in another way, or use Docker's own.
 */
export const forGivenCluster = (commands: string): string =>
  commands.replaceAll(
    "kind load docker-image",
    `"${process.execPath}" scripts/cluster.ts`,
  );

/**
 * Builds the images and loads them into the cluster, with the other images that the tests deploy. It runs once for all
 * cluster tests. Jest's processes find the sidecar's image in DAPR_TEST_CLUSTER_IMAGE.
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

/** Loads the images that Docker has into the cluster, which fetches all others from a registry. */
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

/** The variable that names a file. It lists the images that this test run loaded, so that none is loaded twice. */
export const loadedFile = "DAPR_TEST_CLUSTER_LOADED";

function loadedSoFar(): string[] {
  const file = process.env[loadedFile];
  return file && existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
}

/** An image with its ID: an image that is built again keeps its name but has another ID. */
function withId(image: string) {
  const { status, stdout } = spawnSync(
    "docker",
    ["image", "inspect", "--format={{.Id}}", image],
    { encoding: "utf8" },
  );
  const id = status === 0 ? stdout.trim() : undefined;
  return { image, id, line: `${image} ${id}` };
}

// As a program, this replaces a tutorial's `kind load docker-image`.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const images = process.argv.slice(2);
  const absent = images.filter((image) => !withId(image).id);
  if (images.length === 0 || absent.length > 0)
    fail(`No such images: ${absent.join(", ") || "none is named"}.`);
  loadImages(...images);
}
