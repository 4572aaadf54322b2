/**
 * `dapr mtls renew-certificate -k`: another certificate authority in the installation's Secret. The control plane looks at
 * the Secret every half minute and serves with the new one; apps learn of it at their next start.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  bundleProblem,
  type TrustBundle,
} from "../../kubernetes/certificates/bundle-problem.ts";
import {
  defaultClusterDomain,
  injector,
  operator,
} from "../../kubernetes/names.ts";
import { CommandError, type FlagTable, type FlagValues } from "../command.ts";
import type { Io } from "../io.ts";
import { checkTimeout } from "./check-flags.ts";
import { installed, type Installed } from "./installed.ts";
import { kubectl, parseAnswer } from "./kubectl.ts";
import { findBundle } from "./root-certificate.ts";
import { rolledOut } from "./rollout.ts";

export const renewFlags = {
  "valid-until": {
    type: "int",
    default: 365,
    about: "With renew-certificate: days that the new certificates hold",
  },
  "ca-root-certificate": {
    type: "string",
    takes: "file",
    about: "With renew-certificate: a file with your own root certificate",
  },
  "issuer-public-certificate": {
    type: "string",
    takes: "file",
    about: "… the certificate of its issuer",
  },
  "issuer-private-key": {
    type: "string",
    takes: "file",
    about: "… and the issuer's key",
  },
  restart: {
    type: "bool",
    about: "With renew-certificate: restart the control plane",
  },
  timeout: {
    type: "int",
    default: 300,
    about: "With --restart: seconds to wait",
  },
  "private-key": {
    type: "string",
    takes: "file",
    about:
      "With renew-certificate: not in this version, which makes a new key each time",
  },
} as const satisfies FlagTable;

type Flags = FlagValues<typeof renewFlags>;

const longestDays = 36_500;

export async function renew(flags: Flags, io: Io): Promise<void> {
  try {
    await replaceAuthority(flags, io);
  } catch (error) {
    throw new CommandError(
      `certificate rotation failed: ${(error as Error).message}`,
    );
  }
}

async function replaceAuthority(flags: Flags, io: Io) {
  checkTimeout(flags.timeout);
  const own = ownAuthority(flags);
  const found = await installed();
  if (!found)
    throw new CommandError(
      "Dapr is not installed in this cluster; `dapr init -k` installs it",
    );
  io.status("pending", "Starting certificate rotation");
  if (!own) io.status("info", "generating fresh certificates");
  const fresh = own ?? (await generate(found, flags["valid-until"]));
  const problem = bundleProblem(fresh);
  if (problem) throw new CommandError(`the new authority is none: ${problem}`);
  io.status("info", "Updating certificates in your Kubernetes cluster");
  await store(fresh);
  if (flags.restart) await restart(found, flags.timeout, io);
  const ends = [fresh.root, fresh.issuer].map((pem) =>
    Date.parse(new X509Certificate(pem).validTo),
  );
  io.status(
    "success",
    `Certificate rotation is successful! Your new certificate is valid through ${new Date(Math.min(...ends)).toUTCString().replace("GMT", "UTC")}`,
  );
  io.status(
    "warning",
    "Restart the apps (kubectl rollout restart deployment/NAME): until then their sidecars trust the old authority and get no changes of components.",
  );
}

/** The user's three files; undefined if there are none. */
function ownAuthority(flags: Flags): TrustBundle | undefined {
  if (flags["private-key"])
    throw new CommandError(
      "--private-key is not in this version: leave it out for a new key, or give --ca-root-certificate, --issuer-public-certificate and --issuer-private-key",
    );
  const days = flags["valid-until"];
  if (days < 1 || days > longestDays)
    throw new CommandError(
      `--valid-until ${days} is no number of days from 1 to ${longestDays}`,
    );
  const names = [
    "ca-root-certificate",
    "issuer-public-certificate",
    "issuer-private-key",
  ] as const;
  const missing = names.filter((name) => flags[name] === "");
  if (missing.length === names.length) return undefined;
  if (missing.length > 0)
    throw new CommandError(
      `an authority of your own takes all three of its files: give ${missing.map((name) => `--${name}`).join(", ")} too`,
    );
  const [root, issuer, issuerKey] = names.map((name) =>
    readFileSync(flags[name], "utf8"),
  ) as [string, string, string];
  return { root, issuer, issuerKey };
}

/** The operator's image has the program that makes certificates, and this CLI has not. */
async function generate(
  { namespace }: Installed,
  days: number,
): Promise<TrustBundle> {
  const answer = await kubectl(
    [
      "exec",
      "-i",
      "-n",
      namespace,
      `deployment/${operator.name}`,
      "--",
      "node",
      "/dapr/control-plane/control-plane.mjs",
      "certificate",
    ],
    {
      input: JSON.stringify({
        kind: "authority",
        trustDomain: defaultClusterDomain,
        validMs: days * 86_400_000,
      }),
    },
  );
  const made = parseAnswer<{ root: string; certificate: string; key: string }>(
    answer,
  );
  return {
    root: made.root,
    issuer: made.certificate,
    issuerKey: made.key,
  };
}

/** By stdin, as everybody on the machine can read arguments. It is refused if the Secret has changed meanwhile. */
async function store({ root, issuer, issuerKey }: TrustBundle) {
  const secret = await findBundle("secrets");
  const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
  const data = {
    ...secret.data,
    "ca.crt": base64(root),
    "issuer.crt": base64(issuer),
    "issuer.key": base64(issuerKey),
  };
  await kubectl(["replace", "-f", "-"], {
    input: JSON.stringify({
      ...secret,
      apiVersion: "v1",
      kind: "Secret",
      data,
    }),
  });
}

async function restart(found: Installed, seconds: number, io: Io) {
  const { namespace, image } = found;
  const names = [operator.name, injector.name];
  io.status("info", `Restarting ${names.join(" and ")}`);
  await kubectl([
    "rollout",
    "restart",
    "-n",
    namespace,
    ...names.map((name) => `deployment/${name}`),
  ]);
  const until = Date.now() + seconds * 1000;
  for (const name of names) await rolledOut(name, { namespace, image, until });
}
