/** Manifests of state stores that need no server, and bodies of requests to them. */
import { patientInit } from "./component.ts";

export const stateStore = (
  type: string,
  metadata: Record<string, string> = {},
  name = "statestore",
): string => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  version: v1
  metadata:
${
  Object.entries(metadata)
    .map(([key, value]) => `    - name: ${key}\n      value: "${value}"\n`)
    .join("") || "    []\n"
}${patientInit(type)}`;

export const statePath = "/v1.0/state/statestore";

/** The body of a save. */
export const items = (...all: Record<string, unknown>[]) => JSON.stringify(all);
