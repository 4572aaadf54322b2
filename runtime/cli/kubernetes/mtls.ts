/** `dapr mtls -k`: whether sidecars talk by mutual TLS, and the certificates of the installation. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { daprSystem } from "../../kubernetes/names.ts";
import { replaceFile } from "../../shared/files/replace-file.ts";
import { nearest } from "../../shared/nearest-name.ts";
import { CommandError, UsageError, command } from "../command.ts";
import type { Io } from "../io.ts";
import { about } from "../commands/about.ts";
import { listObjects, type KubeObject } from "./kubectl.ts";
import { renew, renewFlags } from "./renew-certificate.ts";
import { findBundle, rootExpiry, warnOfExpiry } from "./root-certificate.ts";

const subcommands = ["expiry", "export", "renew-certificate"];

export const mtls = command(
  "mtls",
  about.mtls,
  {
    kubernetes: { type: "bool", short: "k", about: "Look in Kubernetes" },
    out: {
      type: "string",
      short: "o",
      default: ".",
      takes: "folder",
      about: "With export: the folder to write to",
    },
    ...renewFlags,
  },
  {
    usage: "-k | expiry | export [-o FOLDER] | renew-certificate -k [flags]",
    words: subcommands,
    examples: `
# Whether sidecars talk by mutual TLS
dapr mtls -k

# Until when the root certificate holds
dapr mtls expiry

# The certificates and the issuer's key, as files
dapr mtls export -o ./certs

# A new authority for a year
dapr mtls renew-certificate -k --valid-until 365 --restart
`,
  },
  async ({ flags, words: [word], io }) => {
    if (word !== undefined && !isWord(word)) throw unknownWord(word);
    const withoutK = word === "expiry" || word === "export";
    if (!flags.kubernetes && !withoutK)
      throw new UsageError('required flag(s) "kubernetes" not set');
    if (word === undefined) {
      const state = (await isEnabled()) ? "enabled" : "disabled";
      io.out(`Mutual TLS is ${state} in your Kubernetes cluster `);
      await warnOfExpiry(io);
    } else if (word === "expiry") await printExpiry();
    else if (word === "export") await exportFiles(flags.out, io);
    else await renew(flags, io);
    return 0;
  },
);

/** The original's short names. */
const isWord = (word: string) =>
  [...subcommands, "renew-cert", "rnc"].includes(word);

function unknownWord(word: string): UsageError {
  const near = nearest(word, subcommands);
  return new UsageError(
    `unknown command "${word}" for "dapr mtls"${near ? `\n\nDid you mean this?\n\t${near}\n` : `; there are ${subcommands.join(", ")}`}`,
  );
}

interface Configuration extends KubeObject {
  spec?: { mtls?: { enabled?: boolean } };
}

/** As the injector reads it: on, unless the control plane's Configuration says otherwise. */
async function isEnabled(): Promise<boolean> {
  const found = (
    await listObjects<Configuration>("configurations.dapr.io", "all", {
      field: `metadata.name=${daprSystem}`,
    })
  )[0];
  if (!found)
    throw new CommandError(
      `error checking mTLS: there is no Configuration ${daprSystem}; \`dapr init -k\` makes it`,
    );
  return found.spec?.mtls?.enabled ?? true;
}

/** Without a line end, as in the original. */
async function printExpiry() {
  const { data } = await findBundle("configmaps");
  const end = rootExpiry(data!["ca.crt"]!);
  const hours = Math.floor((end.getTime() - Date.now()) / 3_600_000);
  const date = end
    .toISOString()
    .replace("T", " ")
    .replace(/\..*/, " +0000 UTC");
  process.stdout.write(
    `Root certificate expires in ${hours} hours. Expiry date: ${date}`,
  );
}

const files = ["ca.crt", "issuer.crt", "issuer.key"];

/** Only its owner may read the key. */
async function exportFiles(folder: string, io: Io) {
  const { data, metadata } = await findBundle("secrets");
  const missing = files.filter((name) => !data?.[name]);
  if (missing.length > 0)
    throw new CommandError(
      `error exporting trust chain certs: Secret ${metadata.namespace}/${metadata.name} has no ${missing.join(", ")}`,
    );
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of files) {
      const path = join(folder, name);
      const mode = name.endsWith(".key") ? 0o600 : 0o644;
      await replaceFile(path, Buffer.from(data![name]!, "base64"), { mode });
    }
  } catch (error) {
    throw new CommandError(
      `error exporting trust chain certs: ${(error as Error).message}`,
    );
  }
  io.status(
    "success",
    `Trust certs successfully exported to ${resolve(folder)}`,
  );
}
