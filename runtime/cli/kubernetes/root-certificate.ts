/** Until when the installation's root certificate is valid. */
import { X509Certificate } from "node:crypto";
import { trustBundle } from "../../kubernetes/names.ts";
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";
import { listObjects, type KubeObject } from "./kubectl.ts";

interface Bundle extends KubeObject {
  /** Of a Secret in base64. */
  data?: Record<string, string>;
}

/** The Secret, or the ConfigMap with the public half. Rejects when there is none. */
export async function findBundle(
  kind: "secrets" | "configmaps",
): Promise<Bundle> {
  const found = (
    await listObjects<Bundle>(kind, "all", {
      field: `metadata.name=${trustBundle}`,
    })
  ).find(({ data }) => data?.["ca.crt"]);
  if (!found)
    throw new CommandError(
      `${trustBundle} with a certificate was not found: \`dapr init -k\` installs Dapr, whose control plane makes it`,
    );
  return found;
}

/** When the first of the roots ends. Throws if one is no certificate. */
export function rootExpiry(pem: string): Date {
  const roots =
    pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ??
    [];
  const ends = roots.map((root) =>
    Date.parse(new X509Certificate(root).validTo),
  );
  if (ends.length === 0)
    throw new CommandError(`ca.crt of ${trustBundle} holds no certificate`);
  return new Date(Math.min(...ends));
}

const dayMs = 86_400_000;
const warnDays = 30;

/** A warning if the root ends soon, else nothing. */
export function expiryNotice(end: Date, nowMs: number): string | undefined {
  const days = Math.floor((end.getTime() - nowMs) / dayMs);
  if (days >= warnDays) return undefined;
  return (
    `Dapr root certificate of your Kubernetes cluster expires in ${days} days. Expiry date: ${end.toUTCString().replace("GMT", "UTC")}. \n` +
    "Before that run `dapr mtls renew-certificate -k`, then restart the apps: they trust the authority of their start."
  );
}

/** Printed after a command's own output. A user who may not read the certificate is told nothing. */
export async function warnOfExpiry(io: Io): Promise<void> {
  let end;
  try {
    const { data } = await findBundle("configmaps");
    end = rootExpiry(data!["ca.crt"]!);
  } catch {
    return; // the command itself has been answered already
  }
  const notice = expiryNotice(end, Date.now());
  if (notice) io.status("warning", notice);
}
