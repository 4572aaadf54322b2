/**
 * Puts the control plane into the cluster and waits until a pod would really
 * get its sidecar. Safe to run again: everything is applied, nothing replaced.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { InstallOptions } from "../../kubernetes/manifests/options.ts";
import { injector, operator } from "../../kubernetes/names.ts";
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";
import { apply, parts } from "./install-flags.ts";
import type { Installed } from "./installed.ts";
import { kubectl, parseAnswer } from "./kubectl.ts";
import { claimNamespace } from "./namespace.ts";
import type { Pod } from "./pods.ts";
import { rolledOut, secondsLeft } from "./rollout.ts";

/**
 * `found` is what is installed already. Rejects with a {@link CommandError}: when the namespace is not free
 * (nothing is changed then), or when the time is over, and then it says what is still missing.
 */
export async function install(
  options: InstallOptions,
  found: Installed | undefined,
  timeoutMs: number,
  io: Io,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  const { crds, namespace: own, rest } = parts(options);
  await claimNamespace(own, found !== undefined, until, io);
  io.status("info", `Applying ${crds.length} custom resource definitions`);
  await apply(crds);
  await kubectl([
    "wait",
    "--for=condition=Established",
    `--timeout=${secondsLeft(until)}s`,
    ...crds.map(({ metadata }) => `crd/${metadata.name}`),
  ]);
  io.status(
    "info",
    `Applying the control plane to namespace ${options.namespace}: ${options.image}`,
  );
  await apply(rest);
  const { namespace, image } = options;
  for (const name of [operator.name, injector.name]) {
    io.status("info", `Waiting for ${name}`);
    await rolledOut(name, { namespace, image, until });
  }
  io.status("info", "Waiting until a new pod gets its sidecar");
  await injects(options, until, io);
}

/** A pod as a ReplicaSet would make it. It is never created: the dry run only shows what admission makes of it. */
const sample = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "dapr-init-check",
    namespace: "default",
    annotations: { "dapr.io/enabled": "true", "dapr.io/app-id": "init-check" },
  },
  spec: {
    containers: [{ name: "app", image: "dapr-init-check" }],
  },
};
const controller =
  "system:serviceaccount:kube-system:replicaset-controller" as const;
const pauseMs = 250;

/** How long a new webhook may be unreachable before a line says so. */
const patienceMs = 10_000;

async function injects(
  { namespace }: InstallOptions,
  until: number,
  io: Io,
): Promise<void> {
  const saidFrom = Date.now() + patienceMs;
  let said = "";
  for (;;) {
    const problem = await injectionProblem();
    if (problem === undefined) return;
    if (Date.now() > until)
      throw new CommandError(
        `a new pod does not get its sidecar: ${problem}. See \`kubectl logs -n ${namespace} -l app=${injector.name}\``,
      );
    if (Date.now() > saidFrom && problem !== said)
      io.status("warning", `Not yet: ${(said = problem)}`);
    await delay(pauseMs); // all one can do is ask admission again
  }
}

/** Why such a pod would start without a sidecar now, or `undefined`. */
async function injectionProblem(): Promise<string | undefined> {
  const asController = [
    "create",
    "--dry-run=server",
    "-o",
    "json",
    `--as=${controller}`,
    "-f",
    "-",
  ];
  try {
    const answer = await kubectl(asController, {
      input: JSON.stringify(sample),
    });
    const { spec } = parseAnswer<Pod>(answer);
    return spec.containers.some(({ name }) => name === "daprd")
      ? undefined
      : "it comes back without one";
  } catch (error) {
    const { message } = error as Error;
    if (/cannot impersonate/.test(message)) throw error;
    return message;
  }
}
