/** What `dapr init -k`, `upgrade -k` and `uninstall -k` share: the control plane's options and how manifests get there. */
import {
  defaultInstall,
  type InstallOptions,
} from "../../kubernetes/manifests/options.ts";
import { installation, toYaml } from "../../kubernetes/manifests/install.ts";
import type { KubernetesObject } from "../../kubernetes/api/objects.ts";
import { trimEnd } from "../../shared/trim-end.ts";
import { version } from "../../shared/version.ts";
import { CommandError, type FlagTable } from "../command.ts";
import { checkImage, checkOwnNamespace } from "./check-flags.ts";
import type { Installed } from "./installed.ts";
import { kubectl } from "./kubectl.ts";
import { splitImage } from "./pods.ts";
import { readSettings, setFlag } from "./set-flag.ts";

/** How the names of `npm run images` begin. */
const defaultRegistry = "localhost/dapr-quickstart-kit";

export const installFlags = {
  namespace: {
    type: "string",
    short: "n",
    default: "dapr-system",
    about: "The control plane's namespace",
  },
  timeout: {
    type: "int",
    default: 300,
    about: "Seconds to wait for the cluster",
  },
  "image-registry": {
    type: "string",
    env: "DAPR_IMAGE_REGISTRY",
    about: `What the image's name begins with, as given to \`npm run images -- --prefix\` (default ${defaultRegistry})`,
  },
  image: {
    type: "string",
    env: "DAPR_IMAGE",
    about:
      "The whole name of the image of control plane and sidecars, in place of registry and version",
  },
  "image-pull-policy": {
    type: "string",
    about: "Always, IfNotPresent or Never (default IfNotPresent)",
  },
  set: setFlag,
} as const satisfies FlagTable;

const policies = ["Always", "IfNotPresent", "Never"] as const;

export interface InstallFlags {
  namespace: string;
  image: string;
  "image-registry": string;
  "runtime-version": string;
  "image-pull-policy": string;
  set: string[];
}

/** An upgrade of the installation `found` keeps its image, but for the version. Settings that are not given stay as they are. */
export function installOptions(
  flags: InstallFlags,
  found?: Installed,
  isUpgrade = false,
): InstallOptions {
  checkOwnNamespace(flags.namespace);
  const before = isUpgrade ? found : undefined;
  const image = imageOf(flags, before);
  checkImage(image);
  const given = flags["image-pull-policy"];
  const policy = given
    ? policies.find((name) => name === given)
    : (before?.imagePullPolicy ?? "IfNotPresent");
  if (!policy)
    throw new CommandError(
      `--image-pull-policy "${given}" is not one of ${policies.join(", ")}`,
    );
  return {
    ...defaultInstall(image),
    ...found?.settings,
    ...readSettings(flags.set),
    namespace: flags.namespace,
    imagePullPolicy: policy,
  };
}

function imageOf(flags: InstallFlags, found?: Installed): string {
  if (flags.image) return flags.image;
  const tag = flags["runtime-version"] || version;
  const registry = trimEnd(flags["image-registry"], "/");
  if (registry || !found) return `${registry || defaultRegistry}/dapr:${tag}`;
  return `${splitImage(found.image).name}:${tag}`;
}

/** An installation, its Namespace apart: that may have been there before. */
export function parts(options: InstallOptions) {
  const { crds, rest } = installation(options);
  return {
    crds,
    namespace: rest.find(({ kind }) => kind === "Namespace")!,
    rest: rest.filter(({ kind }) => kind !== "Namespace"),
  };
}

/** Applies objects in their order; existing ones are brought up to date. */
export const apply = (objects: KubernetesObject[]): Promise<string> =>
  kubectl(["apply", "-f", "-"], { input: toYaml(objects) });
