/** `dapr init -k`: the control plane for the cluster kubectl points at. */
import { installation, toYaml } from "../../kubernetes/manifests/install.ts";
import { CommandError, type FlagTable, type FlagValues } from "../command.ts";
import type { Io } from "../io.ts";
import { checkTimeout } from "./check-flags.ts";
import { devObjects, devSecret, devWorkloads } from "./dev.ts";
import { install } from "./install.ts";
import { apply, installFlags, installOptions } from "./install-flags.ts";
import { installed } from "./installed.ts";
import { kubectl, reachCluster } from "./kubectl.ts";
import { withoutOthers } from "./ownership.ts";
import { rolledOut } from "./rollout.ts";
import { stalePods } from "./stale-pods.ts";

/** Flags of the original that would have no effect here; they are refused. */
const notYet = {
  "enable-mtls": {
    type: "bool",
    about: "Mutual TLS between sidecars (not available yet)",
  },
  "enable-ha": {
    type: "bool",
    about: "Several replicas (not available yet)",
  },
  "image-variant": {
    type: "string",
    about: "Another build of the images (not available yet)",
  },
  "ca-root-certificate": {
    type: "string",
    about: "An own certificate authority (not available yet)",
  },
  "issuer-public-certificate": {
    type: "string",
    about: "Its issuer (not available yet)",
  },
  "issuer-private-key": {
    type: "string",
    about: "The issuer's key (not available yet)",
  },
} as const satisfies FlagTable;

export const clusterInitFlags = {
  dev: {
    type: "bool",
    about: "With -k: also Redis and Zipkin, with components that use them",
  },
  "dry-run": {
    type: "bool",
    about: "With -k: print the manifests instead of applying them",
  },
  "runtime-version": {
    type: "string",
    env: "DAPR_RUNTIME_VERSION",
    about: "With -k: the tag of the image (default: this CLI's version)",
  },
  wait: { type: "bool", about: "With -k: accepted; it always waits" },
  ...notYet,
  ...installFlags,
} as const satisfies FlagTable;

export async function initCluster(
  flags: FlagValues<typeof clusterInitFlags>,
  io: Io,
): Promise<number> {
  for (const name of Object.keys(notYet) as (keyof typeof notYet)[])
    if (flags[name]) throw new CommandError(`--${name} is not available yet`);
  checkTimeout(flags.timeout);
  const asked = installOptions(flags);
  if (flags["dry-run"]) {
    const { crds, rest } = installation(asked);
    // Where no cluster answers, the manifests are for a first installation.
    const dev = flags.dev
      ? devObjects(await hasDevSecret().catch(() => false))
      : [];
    process.stdout.write(toYaml([...crds, ...rest, ...dev]));
    return 0;
  }
  await reachCluster();
  const found = await installed();
  if (found && found.namespace !== flags.namespace)
    throw new CommandError(
      `Dapr is installed in this cluster already, in namespace ${found.namespace}: change it there (-n ${found.namespace}), or remove it first (dapr uninstall -k -n ${found.namespace})`,
    );
  const options = installOptions(flags, found);
  io.status("pending", "Making the jump to hyperspace...");
  io.status(
    "success",
    "Deploying the Dapr control plane with latest version to your cluster...",
  );
  await install(options, found, flags.timeout * 1000, io);
  if (flags.dev) {
    io.status(
      "success",
      "Deploying Redis and Zipkin to your cluster, with components statestore and pubsub and Configuration appconfig...",
    );
    await apply(await withoutOthers(devObjects(await hasDevSecret()), io));
    const until = Date.now() + flags.timeout * 1000;
    for (const { name, image } of devWorkloads)
      await rolledOut(name, { namespace: "default", image, until });
  }
  const left = await stalePods(flags.namespace);
  if (left.length > 0)
    io.status(
      "warning",
      `These pods trust the certificates of an earlier installation and get no changes of components any more: make them anew (kubectl rollout restart): ${left.join(", ")}`,
    );
  io.status(
    "success",
    `Success! Dapr has been installed to namespace ${flags.namespace}. To verify, run \`dapr status -k' in your terminal. To get started, go here: https://docs.dapr.io/getting-started`,
  );
  return 0;
}

const hasDevSecret = async (): Promise<boolean> =>
  (
    await kubectl([
      "get",
      "secret",
      devSecret,
      "-n",
      "default",
      "--ignore-not-found",
      "--request-timeout=3s",
      "-o",
      "name",
    ])
  ).trim() !== "";
