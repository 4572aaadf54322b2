/** secretstores.local.file: a JSON file, read once (docs/protocol/secrets.md). */
import { resolve } from "node:path";
import {
  maxSettingsBytes,
  readRegular,
  whyUnread,
} from "../../../shared/files/read-regular.ts";
import { bool, MetadataError, text } from "../../../contracts/metadata.ts";
import {
  defineSecretStore,
  type Secret,
} from "../../../contracts/secret-store.ts";
import { flatten, isNested, type Json } from "./flatten.ts";
import { parseJson } from "./json.ts";

const metadata = {
  secretsFile: text(
    "The JSON file; a relative path starts at the sidecar's working directory.",
    { required: true, missing: "missing local secrets file in metadata" },
  ),
  nestedSeparator: text("Joins the names of nested values.", { default: ":" }),
  multiValued: bool(
    "A nested object at the top is one secret with several keys.",
    { default: false },
  ),
};

export const localFile = defineSecretStore(
  "secretstores.local.file",
  metadata,
  async ({ meta, items, log }) => {
    const at = items.find(
      ({ name }) => name.toLowerCase() === "secretsfile",
    )?.at;
    const content = readObject(meta.secretsFile, (problem) => {
      throw new MetadataError(problem, at);
    });
    const secrets = meta.multiValued
      ? severalValues(content, meta.nestedSeparator, (names) =>
          log.warn(
            `${meta.secretsFile}: with multiValued only texts and objects are secrets; left out: ${names.join(", ")}`,
          ),
        )
      : oneValue(content, meta.nestedSeparator);
    return {
      features: meta.multiValued ? ["MULTIPLE_KEY_VALUES_PER_SECRET"] : [],
      async get(name) {
        const secret = secrets.get(name);
        if (!secret) throw new Error(`secret ${name} not found`);
        return secret;
      },
      bulk: async () => Object.fromEntries(secrets),
      async close() {},
    };
  },
);

/** The file's object. No message quotes the file. */
function readObject(
  file: string,
  fail: (problem: string) => never,
): { [key: string]: Json } {
  let source;
  try {
    source = readRegular(file, maxSettingsBytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return fail(
      `secretsFile: ${resolve(file)} can't be read: ${code === "ENOENT" ? "there is no such file; a relative path starts at the working directory" : whyUnread(error)}`,
    );
  }
  const parsed = parseJson(source);
  if ("problem" in parsed)
    return fail(`secretsFile: ${file}:${parsed.place}: ${parsed.problem}`);
  const { value } = parsed;
  if (!isNested(value) || Array.isArray(value))
    return fail(
      `secretsFile: ${file} must hold a JSON object of secrets, {"name": "value"}`,
    );
  return value;
}

/** Each leaf is a secret with one value, whose key is the secret's own name. */
function oneValue(
  content: { [key: string]: Json },
  separator: string,
): Map<string, Secret> {
  return new Map(
    flatten(content, separator).map(([name, value]) => [
      name,
      Object.fromEntries([[name, value]]),
    ]),
  );
}

/** Each object at the top is a secret with its leaves as keys. */
function severalValues(
  content: { [key: string]: Json },
  separator: string,
  onOther: (names: string[]) => void,
): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  const others: string[] = [];
  for (const [name, value] of Object.entries(content))
    if (typeof value === "string")
      secrets.set(name, Object.fromEntries([[name, value]]));
    else if (isNested(value) && !Array.isArray(value))
      secrets.set(name, Object.fromEntries(flatten(value, separator)));
    else others.push(name);
  if (others.length > 0) onOther(others);
  return secrets;
}
