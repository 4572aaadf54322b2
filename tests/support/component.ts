/** Manifests for tests: a component of any type. */

/** A last line of `spec`. A file is opened in no time, unless the machine has much to do: then the usual 5 s may end the sidecar. */
export const patientInit = (type: string): string =>
  type.includes("sqlite") ? "  initTimeout: 10m\n" : "";

export interface ManifestOptions {
  version?: string;
  /** More lines of `spec`, two spaces in. */
  spec?: string;
  /** Names the store for `secretKeyRef`; lines after `spec`. */
  secretStore?: string;
  tail?: string;
}

/** An item of `spec.metadata`: a text, or what stands in the place of `value`. */
export type Item =
  string | { secret: string; key?: string } | { envRef: string };

export const component = (
  name: string,
  type: string,
  metadata: Record<string, Item> = {},
  options: ManifestOptions = {},
): string => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  version: ${options.version ?? "v1"}
${options.spec ?? ""}  metadata:
${Object.entries(metadata)
  .map(([key, item]) => `    - name: ${key}\n${valueOf(item)}`)
  .join("")}${options.spec ? "" : patientInit(type)}${
  options.secretStore ? `auth:\n  secretStore: ${options.secretStore}\n` : ""
}${options.tail ?? ""}`;

function valueOf(item: Item): string {
  if (typeof item === "string") return `      value: ${JSON.stringify(item)}\n`;
  if ("envRef" in item) return `      envRef: ${item.envRef}\n`;
  const { secret, key } = item;
  return `      secretKeyRef:\n        name: ${JSON.stringify(secret)}\n${key ? `        key: ${JSON.stringify(key)}\n` : ""}`;
}

/** A store of the secrets in `secrets.json` of the same folder, which the test passes by its absolute path. */
export const fileStore = (
  name: string,
  file: string,
  more: Record<string, Item> = {},
): string =>
  component(name, "secretstores.local.file", { secretsFile: file, ...more });

/** A `kind: Configuration` with the given lines of `spec`, two spaces in. */
export const configuration = (
  spec: string,
): string => `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: test
spec:
${spec}`;
