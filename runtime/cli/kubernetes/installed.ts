/** The control plane that a cluster already has. Two of them would share kinds and webhook, and break each other. */
import {
  managedBy,
  type InstallOptions,
} from "../../kubernetes/manifests/options.ts";
import { injector, operator } from "../../kubernetes/names.ts";
import { CommandError } from "../command.ts";
import { listObjects, type KubeObject } from "./kubectl.ts";

export interface Installed {
  namespace: string;
  /** Of the operator. */
  image: string;
  imagePullPolicy: InstallOptions["imagePullPolicy"];
  /** Settings as they are now; they may have been changed since, e.g. by `kubectl set env`. */
  settings: Partial<InstallOptions>;
}

interface Deployment extends KubeObject {
  spec: { template: { spec: { containers: Container[] } } };
}

interface Container {
  image: string;
  imagePullPolicy?: InstallOptions["imagePullPolicy"];
  env?: { name: string; value?: string }[];
}

/** Rejects if it is another Dapr's: that has to be changed and removed by its own tools. */
export async function installed(): Promise<Installed | undefined> {
  return installationIn(
    await listObjects<Deployment>(
      "deployments",
      "all",
      `app in (${operator.name},${injector.name})`,
    ),
  );
}

export function installationIn(
  deployments: readonly Deployment[],
): Installed | undefined {
  const named = (name: string) =>
    deployments.find(({ metadata }) => metadata.name === name);
  const found = named(operator.name);
  if (!found) return undefined;
  const { namespace = "", labels } = found.metadata;
  if (labels?.["app.kubernetes.io/managed-by"] !== managedBy)
    throw new CommandError(
      `another Dapr runs in this cluster, in namespace ${namespace}: remove it by the tool that installed it (\`helm uninstall dapr -n ${namespace}\`, or the dapr CLI it came with), or use another cluster`,
    );
  const { image, imagePullPolicy = "IfNotPresent" } = containerOf(found);
  const environment = (deployment: Deployment | undefined) =>
    new Map(
      (deployment ? (containerOf(deployment).env ?? []) : []).map(
        ({ name, value }) => [name, value],
      ),
    );
  const ofOperator = environment(found);
  const ofInjector = environment(named(injector.name));
  return {
    namespace,
    image,
    imagePullPolicy,
    settings: defined({
      watchInterval: ofOperator.get("WATCH_INTERVAL"),
      clusterDomain: ofOperator.get("KUBE_CLUSTER_DOMAIN"),
      logLevel: ofOperator.get("LOG_LEVEL"),
      allowedServiceAccounts: ofInjector
        .get("ALLOWED_SERVICE_ACCOUNTS")
        ?.split(","),
    }),
  };
}

const containerOf = ({ spec }: Deployment): Container =>
  spec.template.spec.containers[0]!;

const defined = (values: Record<string, unknown>): Partial<InstallOptions> =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  );
