/** Manifests for tests: components of any type, and Configurations. */

/** A last line of `spec`: a longer initTimeout. On a busy machine, opening a SQLite file may take longer than the default of 5 s. */
export const patientInit = (type: string): string =>
  type.includes("sqlite") ? "  initTimeout: 10m\n" : "";

export interface ManifestOptions {
  version?: string;
  /** More lines of `spec`, indented by two spaces. */
  spec?: string;
  /** The secret store for `secretKeyRef`. */
  secretStore?: string;
  tail?: string;
}

/** An item of `spec.metadata`: a text, or the source of its value. */
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

/** A `secretstores.local.file` for a file of secrets, given by its absolute path. */
export const fileStore = (
  name: string,
  file: string,
  more: Record<string, Item> = {},
): string =>
  component(name, "secretstores.local.file", { secretsFile: file, ...more });

/** A `kind: Configuration` with the given lines of `spec`, indented by two spaces. */
export const configuration = (
  spec: string,
): string => `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: test
spec:
${spec}`;
