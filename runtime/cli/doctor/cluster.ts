/** kubectl, the cluster it points at, and the control plane there with its certificates. */
import { kubectl, reachCluster } from "../kubernetes/kubectl.ts";
import { installed } from "../kubernetes/installed.ts";
import {
  expiryNotice,
  findBundle,
  rootExpiry,
} from "../kubernetes/root-certificate.ts";
import { stalePods } from "../kubernetes/stale-pods.ts";
import { lookUp } from "../run/look-up.ts";
import { note, ok, warning, type Finding } from "./finding.ts";

export async function checkCluster(): Promise<Finding[]> {
  if (!lookUp("kubectl", process.env["PATH"] ?? ""))
    return [
      note("kubectl is not installed; only the commands with -k need it"),
    ];
  const context = (await kubectl(["config", "current-context"]).catch(() => "")) // none is set
    .trim();
  if (context === "")
    return [
      note("kubectl knows no cluster; only the commands with -k need it"),
    ];
  try {
    await reachCluster();
  } catch (error) {
    return [warning(`Cluster ${context}: ${(error as Error).message}`)];
  }
  try {
    return [ok(`Cluster ${context} answers`), ...(await controlPlane())];
  } catch (error) {
    return [warning(`Cluster ${context}: ${(error as Error).message}`)];
  }
}

async function controlPlane(): Promise<Finding[]> {
  const found = await installed();
  if (!found)
    return [note("Dapr is not installed there; `dapr init -k` installs it")];
  const { data } = await findBundle("configmaps");
  const ends = rootExpiry(data!["ca.crt"]!);
  const notice = expiryNotice(ends, Date.now());
  const left = await stalePods(found.namespace);
  return [
    ok(`Dapr is installed in namespace ${found.namespace}`),
    notice
      ? warning(notice)
      : ok(`Its root certificate holds until ${ends.toUTCString()}`),
    ...(left.length > 0
      ? [
          warning(
            `These pods trust the certificates of an earlier installation: ${left.join(", ")}`,
            "Restart them: kubectl rollout restart deployment/NAME",
          ),
        ]
      : []),
  ];
}
