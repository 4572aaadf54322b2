/** The control plane that a cluster has already: two in one cluster would share kinds and webhook, and break each other. */
import { managedBy } from "../../kubernetes/manifests/options.ts";
import { operator } from "../../kubernetes/names.ts";
import { CommandError } from "../command.ts";
import { listObjects, type KubeObject } from "./kubectl.ts";

export interface Installed {
  namespace: string;
  /** Of the operator. */
  image: string;
}

interface Deployment extends KubeObject {
  spec: { template: { spec: { containers: { image: string }[] } } };
}

/** Rejects when it is another Dapr's: that one has its own ways of being changed and removed. */
export async function installed(): Promise<Installed | undefined> {
  return installationIn(
    await listObjects<Deployment>("deployments", "all", `app=${operator.name}`),
  );
}

export function installationIn(
  deployments: readonly Deployment[],
): Installed | undefined {
  const [found] = deployments;
  if (!found) return undefined;
  const { namespace = "", labels } = found.metadata;
  if (labels?.["app.kubernetes.io/managed-by"] !== managedBy)
    throw new CommandError(
      `another Dapr runs in this cluster, in namespace ${namespace}: remove it by the tool that installed it (\`helm uninstall dapr -n ${namespace}\`, or the dapr CLI it came with), or use another cluster`,
    );
  return { namespace, image: found.spec.template.spec.containers[0]!.image };
}
