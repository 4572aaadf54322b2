/**
 * Puts the control plane into the cluster and waits until a pod would really
 * get its sidecar. Safe to run again: everything is applied, nothing replaced.
 */
import { setTimeout as delay } from "node:timers/promises";
import { installation } from "../../kubernetes/manifests/install.ts";
import type { InstallOptions } from "../../kubernetes/manifests/options.ts";
import { injector, operator } from "../../kubernetes/names.ts";
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";
import { apply } from "./install-flags.ts";
import { kubectl, listObjects } from "./kubectl.ts";
import type { Pod } from "./pods.ts";

/** Rejects with a {@link CommandError} that says what is still missing once the time is over. */
export async function install(
  options: InstallOptions,
  timeoutMs: number,
  io: Io,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  const { crds, rest } = installation(options);
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
  for (const name of [operator.name, injector.name]) {
    io.status("info", `Waiting for ${name}`);
    await rolledOut(name, options, until);
  }
  io.status("info", "Waiting until a new pod gets its sidecar");
  await injects(until);
}

const secondsLeft = (until: number) =>
  Math.max(1, Math.ceil((until - Date.now()) / 1000));

async function rolledOut(
  name: string,
  { namespace, image }: InstallOptions,
  until: number,
) {
  try {
    await kubectl([
      "rollout",
      "status",
      `deployment/${name}`,
      "-n",
      namespace,
      `--timeout=${secondsLeft(until)}s`,
    ]);
  } catch (error) {
    const pods = await listObjects<Pod>("pods", { namespace }, `app=${name}`);
    const waiting = pods
      .flatMap(({ status }) => status.containerStatuses ?? [])
      .map(({ state }) => state?.waiting?.reason)
      .find((reason) => reason !== undefined);
    throw new CommandError(
      `${name} is not running: ${waiting ?? (error as Error).message}` +
        (/Image/.test(waiting ?? "")
          ? `. The cluster can't get ${image}: build it with \`npm run images\` and load it (kind load docker-image, minikube image load), or name one with --image`
          : `. See \`kubectl logs -n ${namespace} -l app=${name}\``),
    );
  }
}

/** A pod as a ReplicaSet would make it. It is never created: the dry run ends with what admission made of it. */
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

async function injects(until: number): Promise<void> {
  for (let problem = ""; ;) {
    try {
      const answer = await kubectl(
        [
          "create",
          "--dry-run=server",
          "-o",
          "json",
          `--as=${controller}`,
          "-f",
          "-",
        ],
        { input: JSON.stringify(sample) },
      );
      const { spec } = JSON.parse(answer) as Pod;
      if (spec.containers.some(({ name }) => name === "daprd")) return;
      problem = "it comes back without one";
    } catch (error) {
      problem = (error as Error).message;
      if (/cannot impersonate/.test(problem)) throw error;
    }
    if (Date.now() > until)
      throw new CommandError(
        `a new pod does not get its sidecar: ${problem}. See \`kubectl logs -n dapr-system -l app=${injector.name}\``,
      );
    await delay(pauseMs); // admission can only be asked again
  }
}
