/** What `dapr init -k`, `upgrade -k` and `uninstall -k` share: the control plane's options and how manifests get there. */
import {
  defaultInstall,
  type InstallOptions,
} from "../../kubernetes/manifests/options.ts";
import { toYaml } from "../../kubernetes/manifests/install.ts";
import type { KubernetesObject } from "../../kubernetes/objects.ts";
import { version } from "../../version.ts";
import { CommandError, type FlagTable } from "../command.ts";
import type { Installed } from "./installed.ts";
import { kubectl } from "./kubectl.ts";

/** What `npm run images` begins its names with. */
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
    default: "IfNotPresent",
    about: "Always, IfNotPresent or Never",
  },
} as const satisfies FlagTable;

const policies = ["Always", "IfNotPresent", "Never"] as const;

export interface InstallFlags {
  namespace: string;
  image: string;
  "image-registry": string;
  "runtime-version": string;
  "image-pull-policy": string;
}

/** For what is installed already nothing but version and what is given changes. */
export function installOptions(
  flags: InstallFlags,
  found?: Installed,
): InstallOptions {
  const policy = policies.find((name) => name === flags["image-pull-policy"]);
  if (!policy)
    throw new CommandError(
      `--image-pull-policy "${flags["image-pull-policy"]}" is not one of ${policies.join(", ")}`,
    );
  return {
    ...defaultInstall(imageOf(flags, found)),
    namespace: flags.namespace,
    imagePullPolicy: policy,
  };
}

function imageOf(flags: InstallFlags, found?: Installed): string {
  if (flags.image) return flags.image;
  const tag = flags["runtime-version"] || version;
  const registry = flags["image-registry"].replace(/\/+$/, "");
  if (registry || !found) return `${registry || defaultRegistry}/dapr:${tag}`;
  return `${found.image.replace(/(?::[^:/@]+)?(?:@.*)?$/, "")}:${tag}`;
}

/** Applies objects in their order; what is there already is brought up to date. */
export const apply = (objects: KubernetesObject[]): Promise<string> =>
  kubectl(["apply", "-f", "-"], { input: toYaml(objects) });
