/** An app of a run file as a Deployment and, if it asks for one, a Service. */
import type { KubernetesObject } from "../../kubernetes/api/objects.ts";
import { annotation } from "../../kubernetes/names.ts";
import { appIdProblem } from "../../kubernetes/annotations.ts";
import { allOptions } from "../../options/index.ts";
import { unset } from "../../options/flag.ts";
import { CommandError } from "../command.ts";
import { marked } from "./ownership.ts";
import type { RunApp } from "../run/run-file-app.ts";
import type { RunFlags } from "../run/run-flags.ts";

export const appNamespace = "default";
const appConfig = "appconfig";

const pullPolicies = ["Always", "IfNotPresent", "Never"];

/** Throws on what no cluster could run. */
export function checkApp({ spec, container }: RunApp): void {
  const problem = appIdProblem(spec["app-id"]);
  if (problem) throw new CommandError(problem);
  if (container.image === "")
    throw new CommandError(
      "containerImage is missing: name the image that the cluster is to run",
    );
  if (!pullPolicies.includes(container.pullPolicy))
    throw new CommandError(
      `containerImagePullPolicy "${container.pullPolicy}" is not one of ${pullPolicies.join(", ")}`,
    );
  if (container.createService && spec["app-port"] <= 0)
    throw new CommandError("createService needs an appPort to lead to");
}

/** `hasConfig`: the cluster has a Configuration `appconfig`, as `dapr init -k --dev` makes one. */
export function deploymentOf(
  app: RunApp,
  hasConfig: boolean,
): KubernetesObject {
  const { spec, container, env } = app;
  const id = spec["app-id"];
  const port = spec["app-port"];
  return marked({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: id, namespace: appNamespace, labels: { app: id } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: id } },
      template: {
        metadata: {
          labels: { app: id },
          annotations: annotationsOf(app, hasConfig),
        },
        spec: {
          containers: [
            {
              name: id,
              image: container.image,
              imagePullPolicy: container.pullPolicy,
              env: Object.entries(env).map(([name, value]) => ({
                name,
                value,
              })),
              ...(port > 0 ? { ports: [{ containerPort: port }] } : {}),
            },
          ],
        },
      },
    },
  } as KubernetesObject);
}

export function serviceOf({ spec }: RunApp): KubernetesObject {
  const id = spec["app-id"];
  return marked({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: id, namespace: appNamespace, labels: { app: id } },
    spec: {
      type: "LoadBalancer",
      selector: { app: id },
      ports: [{ protocol: "TCP", port: 80, targetPort: spec["app-port"] }],
    },
  } as KubernetesObject);
}

/** The options that differ from their defaults. Paths of this machine mean nothing in a pod. */
function annotationsOf(
  { spec }: RunApp,
  hasConfig: boolean,
): Record<string, string> {
  const found: Record<string, string> = {
    [annotation("enabled")]: "true",
    [annotation("app-id")]: spec["app-id"],
  };
  if (hasConfig) found[annotation("config")] = appConfig;
  for (const [name, { run, pod }] of allOptions) {
    if (!run || !pod || ["app-id", "config"].includes(name)) continue;
    if (run.takes === "folder" || name.endsWith("-host-address")) continue;
    const value = spec[name as keyof RunFlags];
    const isLeftOut =
      typeof value === "number" ? value <= 0 : value === unset(run);
    if (value === undefined || value === "" || isLeftOut) continue;
    found[annotation(pod.name ?? name)] = String(value);
  }
  return found;
}
