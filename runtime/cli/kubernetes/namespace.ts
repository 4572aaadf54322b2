/**
 * The control plane's namespace. One that the installation makes carries a mark, and goes with it; one that was there
 * before is left as it is: no label, and no removal.
 */
import type { KubernetesObject } from "../../kubernetes/api/objects.ts";
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";
import { apply } from "./install-flags.ts";
import { kubectl, parseAnswer, type KubeObject } from "./kubectl.ts";
import { isOwn, othersSelector } from "./ownership.ts";
import { secondsLeft } from "./rollout.ts";

/**
 * Makes the namespace, or takes an existing one that can be used. `holdsControlPlane` is true when this
 * installation is in it already. Rejects, before anything is changed, when others have pods there.
 */
export async function claimNamespace(
  object: KubernetesObject,
  holdsControlPlane: boolean,
  until: number,
  io: Io,
): Promise<void> {
  const name = object.metadata.name!;
  let found = await find(name);
  if (found?.status?.["phase"] === "Terminating") {
    io.status("info", `Waiting until namespace ${name} is removed`);
    await kubectl([
      "wait",
      "--for=delete",
      `namespace/${name}`,
      `--timeout=${secondsLeft(until)}s`,
    ]);
    found = await find(name);
  }
  if (found && !isOwn(found)) {
    if (!holdsControlPlane) await refuseIfInUse(name);
    return;
  }
  await apply([object]);
}

async function refuseIfInUse(name: string) {
  const others = await othersIn(name, workloads);
  if (others.length > 0)
    throw new CommandError(
      `namespace ${name} is in use (${few(others)}), and pods beside the control plane get no sidecar: leave out -n for dapr-system, or name an empty or a new namespace`,
    );
}

/** Called when everything that was installed is gone: removes the namespace too, or says why it stays. */
export async function releaseNamespace(
  name: string,
  timeoutSeconds: number,
  io: Io,
): Promise<void> {
  const found = await find(name);
  if (!found) return;
  if (!isOwn(found))
    return io.status(
      "info",
      `Namespace ${name} stays: \`dapr init -k\` did not make it`,
    );
  const reason = await reasonToKeep(name);
  if (reason)
    return io.status(
      "warning",
      `Namespace ${name} stays: ${reason}. To remove it with all that is in it: kubectl delete namespace ${name}`,
    );
  await kubectl([
    "delete",
    "namespace",
    name,
    "--ignore-not-found",
    "--wait",
    `--timeout=${timeoutSeconds}s`,
  ]);
}

async function reasonToKeep(name: string): Promise<string | undefined> {
  try {
    const others = await othersIn(name, [
      ...workloads,
      ...belongings,
      ...(await customKinds()),
    ]);
    return others.length > 0
      ? `there are others' objects in it, ${few(others)}`
      : undefined;
  } catch (error) {
    return `what is in it can't be told, ${(error as Error).message}`;
  }
}

async function find(name: string): Promise<KubeObject | undefined> {
  const text = await kubectl([
    "get",
    "namespace",
    name,
    "--ignore-not-found",
    "-o",
    "json",
  ]);
  return text.trim() === "" ? undefined : parseAnswer<KubeObject>(text);
}

/** The kinds that run pods: first what a user makes, then what follows from it. */
const workloads = [
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "cronjobs.batch",
  "jobs.batch",
  "replicationcontrollers",
  "replicasets.apps",
  "pods",
];
const belongings = [
  "persistentvolumeclaims",
  "services",
  "configmaps",
  "secrets",
];

const customKinds = async (): Promise<string[]> =>
  (
    await kubectl([
      "get",
      "customresourcedefinitions",
      "-o",
      'jsonpath={range .items[?(@.spec.scope=="Namespaced")]}{.metadata.name}{"\\n"}{end}',
    ])
  )
    .split("\n")
    .filter(Boolean);

/** `KIND/NAME` of the objects in a namespace that belong neither to this installation nor to Kubernetes. */
const othersIn = async (namespace: string, kinds: readonly string[]) =>
  others(
    await kubectl([
      "get",
      kinds.join(","),
      "-n",
      namespace,
      "-l",
      othersSelector,
      "--ignore-not-found",
      "--no-headers",
      "-o",
      "custom-columns=KIND:.kind,NAME:.metadata.name,TYPE:.type",
    ]),
  );

/** Reads a table KIND NAME TYPE without a head. */
export const others = (table: string): string[] =>
  table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([kind, name, type]) => name && !isMadeByItself(kind!, name, type!))
    .map(([kind, name]) => `${kind!.toLowerCase()}/${name}`);

/** What clusters put into every namespace. */
const isMadeByItself = (kind: string, name: string, type: string): boolean =>
  (kind === "ConfigMap" &&
    /^(kube-root-ca\.crt|openshift-service-ca\.crt|istio-ca-root-cert)$/.test(
      name,
    )) ||
  (kind === "Secret" &&
    /^kubernetes\.io\/(service-account-token|dockercfg)$/.test(type));

const few = (names: readonly string[]) =>
  names.length > 4
    ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`
    : names.join(", ");
