/** The time from creating a pod until it is ready, with and without a sidecar. The memory of sidecar and control plane. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { kubectl, listObjects } from "../../runtime/cli/kubernetes/kubectl.ts";
import type { Cluster } from "../backends/kubernetes.ts";
import type { Measurement, Scenario } from "../bench.ts";

interface Started {
  name: string;
  /** From the request that creates the pod until it is ready. */
  readyMs: number;
  /** From the start of the sidecar's container until it is ready. */
  sidecarMs: number | undefined;
}

let count = 0;

export const podStart: Scenario<Cluster> = async (_bench, _target, cluster) => {
  const plain = await start(cluster, `plain-${++count}`, {});
  await remove(cluster, plain.name);
  const injected = await start(cluster, `injected-${count}`, {
    "dapr.io/enabled": "true",
    "dapr.io/app-id": `injected-${count}`,
    "dapr.io/sidecar-memory-request": "64Mi",
  });
  if (injected.sidecarMs === undefined)
    throw new Error(`the pod ${injected.name} got no sidecar`);
  const sidecarMb = await memoryMb(cluster.namespace, injected.name, "daprd");
  await remove(cluster, injected.name);
  const controlPlane = await listObjects(
    "pods",
    "all",
    "app in (dapr-operator,dapr-sidecar-injector)",
  );
  let controlPlaneMb = 0;
  for (const { metadata } of controlPlane)
    controlPlaneMb += await memoryMb(metadata.namespace!, metadata.name);
  const row = (metric: string, unit: string, value: number): Measurement => ({
    metric,
    unit,
    better: "lower",
    value,
  });
  return [
    row("pod created to ready, no sidecar", "s", plain.readyMs / 1000),
    row("pod created to ready, with sidecar", "s", injected.readyMs / 1000),
    row("added pod start time", "s", (injected.readyMs - plain.readyMs) / 1000),
    row("sidecar container, running to ready", "s", injected.sidecarMs / 1000),
    row("resident memory, sidecar in its pod", "MB", sidecarMb),
    row("resident memory, control plane", "MB", controlPlaneMb),
  ];
};

/** Rejects when the pod isn't ready within a minute. */
async function start(
  { namespace, image }: Cluster,
  name: string,
  annotations: Record<string, string>,
): Promise<Started> {
  const events = spawn(
    "kubectl",
    ["get", "pods", "-n", namespace, "--watch", "-o", eventLine],
    { stdio: ["ignore", "pipe", "inherit"], timeout: readyLimitMs },
  );
  try {
    const from = performance.now();
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, annotations },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "app",
            image,
            args: ["node", "-e", "setInterval(() => {}, 1e6)"],
          },
        ],
      },
    };
    await kubectl(["create", "-n", namespace, "-f", "-"], {
      input: JSON.stringify(pod),
    });
    let runningAt: number | undefined;
    for await (const line of createInterface(events.stdout)) {
      const [of, ready, sidecar] = line.split(";");
      if (of !== name) continue;
      const now = performance.now();
      if (sidecar) runningAt ??= now;
      if (ready === "True")
        return {
          name,
          readyMs: now - from,
          sidecarMs: runningAt && now - runningAt,
        };
    }
    throw new Error(`the pod ${name} was not ready within ${readyLimitMs} ms`);
  } finally {
    events.kill();
  }
}

const readyLimitMs = 60_000;
/** Reads `NAME;True;STARTED`, a line for each change of a pod. STARTED is empty until the sidecar runs. */
const eventLine =
  'jsonpath={.metadata.name};{.status.conditions[?(@.type=="Ready")].status};{.status.containerStatuses[?(@.name=="daprd")].state.running.startedAt}{"\\n"}';

const remove = ({ namespace }: Cluster, name: string) =>
  kubectl(["delete", "pod", name, "-n", namespace, "--now"]);

/** The VmRSS of a container's first process. */
async function memoryMb(
  namespace: string,
  pod: string,
  container?: string,
): Promise<number> {
  const status = await kubectl([
    "exec",
    pod,
    "-n",
    namespace,
    ...(container ? ["-c", container] : []),
    "--",
    "cat",
    "/proc/1/status",
  ]);
  const [, kb] = /^VmRSS:\s*(\d+)/m.exec(status) ?? [];
  if (!kb) throw new Error(`no VmRSS in /proc/1/status of ${pod}`);
  return Number(kb) / 1024;
}
