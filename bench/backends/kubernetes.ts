/** A cluster with this kit's control plane. Where there is none, it is installed and removed again at the end. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { kubectl, listObjects } from "../../runtime/cli/kubernetes/kubectl.ts";
import { clusterProblem, loadImages } from "../../scripts/cluster.ts";
import type { Backend } from "./backend.ts";

const root = join(import.meta.dirname, "../..");
const dapr = "runtime/bin/dapr.js";
const namespace = "dapr-bench";

export interface Cluster extends Backend {
  namespace: string;
  /** The image of the sidecar and the apps. The nodes have it. */
  image: string;
}

/** Rejects unless DAPR_TEST_KUBECONFIG names a cluster that may be changed. */
export async function openCluster(): Promise<Cluster> {
  const problem = clusterProblem();
  if (problem) throw new Error(`bench: kubernetes: ${problem}`);
  process.env["KUBECONFIG"] = process.env["DAPR_TEST_KUBECONFIG"];
  const images = run("scripts/images.ts").trim().split("\n");
  loadImages(...images);
  const found = await listObjects("deployments", "all", "app=dapr-operator");
  const wasThere = found.length > 0;
  const removeAll = async () => {
    await kubectl(["delete", "namespace", namespace, "--ignore-not-found"]);
    if (!wasThere) run(dapr, "uninstall", "-k", "--all");
  };
  try {
    if (!wasThere) run(dapr, "init", "-k");
    await kubectl(["create", "namespace", namespace]);
  } catch (error) {
    await removeAll();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    name: "kubernetes",
    pids: [],
    namespace,
    image: images[0]!,
    close: () => (closing ??= removeAll()),
  };
}

/** Runs a program of this kit and returns what it prints. */
function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`bench: ${args.join(" ")}: ${stderr}`);
  return stdout;
}
