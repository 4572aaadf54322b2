/** What `dapr init -k`, `upgrade -k` and `uninstall -k` share: the control plane's options and how manifests get there. */
import {
  defaultInstall,
  type InstallOptions,
} from "../../kubernetes/manifests/options.ts";
import { toYaml } from "../../kubernetes/manifests/install.ts";
import type { KubernetesObject } from "../../kubernetes/objects.ts";
import { version } from "../../version.ts";
import { CommandError, type FlagTable } from "../command.ts";
import { kubectl } from "./kubectl.ts";

/** As `npm run images` names it. */
export const defaultImage = `localhost/dapr-quickstart-kit/dapr:${version}`;

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
  image: {
    type: "string",
    default: defaultImage,
    env: "DAPR_IMAGE",
    about: "The image of control plane and sidecars",
  },
  "image-pull-policy": {
    type: "string",
    default: "IfNotPresent",
    about: "Always, IfNotPresent or Never",
  },
} as const satisfies FlagTable;

const policies = ["Always", "IfNotPresent", "Never"] as const;

export function installOptions(flags: {
  namespace: string;
  image: string;
  "image-pull-policy": string;
}): InstallOptions {
  const policy = policies.find((name) => name === flags["image-pull-policy"]);
  if (!policy)
    throw new CommandError(
      `--image-pull-policy "${flags["image-pull-policy"]}" is not one of ${policies.join(", ")}`,
    );
  return {
    ...defaultInstall(flags.image),
    namespace: flags.namespace,
    imagePullPolicy: policy,
  };
}

/** Applies objects in their order; what is there already is brought up to date. */
export const apply = (objects: KubernetesObject[]): Promise<string> =>
  kubectl(["apply", "-f", "-"], { input: toYaml(objects) });
