/** One item of a resource's metadata: `value`, `envRef` or `secretKeyRef` (docs/protocol/resources.md). */
import type { MetadataItem } from "../contracts/metadata.ts";
import type { Logger } from "../shared/log.ts";
import { where } from "../shared/position.ts";
import type { SecretRef } from "./secret-refs.ts";
import { member, textOf, type Value } from "./values/yaml.ts";

export interface ItemOptions {
  /** The process's environment: `DAPR_ENV_KEYS`, and the variables that `envRef`s name. */
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** True if a cluster's operator has resolved the secrets: they come as Base64 in `value`. */
  areSecretsResolved?: boolean;
}

/** Adds to `refs` what a secret store has to fill in. */
export function readItem(
  name: string,
  entry: Value | undefined,
  options: ItemOptions,
  refs: SecretRef[],
): MetadataItem {
  const value = member(entry, "value");
  const item: MetadataItem = {
    name,
    value: textOf(value),
    at: value?.at ?? entry?.at,
    nameAt: member(entry, "name")?.at,
  };
  const variable = textOf(member(entry, "envRef"));
  if (item.value === "" && variable)
    item.value = fromEnv(variable, item, options);
  const ref = member(entry, "secretKeyRef");
  const secret = textOf(member(ref, "name"));
  if (secret === "") return item;
  const key = textOf(member(ref, "key")) || secret;
  const problem = textOf(member(ref, "problem"));
  if (!options.areSecretsResolved) refs.push({ item, name: secret, key });
  else if (problem || !value)
    refs.push({ item, name: secret, key, ...(problem ? { problem } : {}) });
  else {
    item.value = Buffer.from(item.value, "base64").toString("utf8");
    item.isSecret = true;
  }
  return item;
}

function fromEnv(
  name: string,
  item: MetadataItem,
  { env, log }: ItemOptions,
): string {
  const allowed = env["DAPR_ENV_KEYS"];
  const refused =
    name === "APP_API_TOKEN" ||
    name.startsWith("DAPR_") ||
    // The system would end the name at NUL, and find `A=B` in the value of A.
    /[ =\0]/.test(name) ||
    (allowed !== undefined && !allowed.split(" ").includes(name));
  if (!refused) return env[name] ?? "";
  log.warn(
    `environment variable ${JSON.stringify(name)} may not be read by metadata "${item.name}" (${where(item.at)})`,
  );
  return "";
}
