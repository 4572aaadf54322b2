/** The Kubernetes cluster that tests may change: never the one that kubectl happens to point to. */
import { spawnSync } from "node:child_process";

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
