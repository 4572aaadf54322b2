/** Pods whose sidecars trust an earlier installation. They go on working, but get no components from this one. */
import { injectedLabel, trustBundle } from "../../kubernetes/names.ts";
import { kubectl, listObjects } from "./kubectl.ts";
import { sidecarOf, type Pod } from "./pods.ts";

/** As `NAMESPACE/NAME`. */
export async function stalePods(namespace: string): Promise<string[]> {
  const text = await kubectl([
    "get",
    "configmap",
    trustBundle,
    "-n",
    namespace,
    "-o",
    "json",
  ]);
  const { data } = JSON.parse(text) as { data?: Record<string, string> };
  const pods = await listObjects<Pod>("pods", "all", `${injectedLabel}=true`);
  return stale(pods, data?.["ca.crt"] ?? "");
}

export const stale = (pods: readonly Pod[], root: string): string[] =>
  pods
    .filter((pod) => {
      const trusted = sidecarOf(pod)?.env?.find(
        ({ name }) => name === "DAPR_TRUST_ANCHORS",
      )?.value;
      return trusted !== undefined && trusted.trim() !== root.trim();
    })
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
