/** `dapr init`: on this machine, or with `-k` the control plane of a cluster. */
import { command, type FlagTable } from "../command.ts";
import { clusterInitFlags, initCluster } from "../kubernetes/init.ts";
import { initHere, standaloneInitFlags } from "../standalone/init.ts";
import { about } from "./about.ts";
import { sayMisplaced } from "./misplaced-flags.ts";

const examples = `
# On this machine: components statestore and pubsub in files, nothing else to install
dapr init

# The same in Redis, with Zipkin, in containers
dapr init --redis --zipkin

# In the cluster kubectl points at
dapr init -k

# With Redis and Zipkin for development
dapr init -k --dev

# Manifests for a repository
dapr init -k --dry-run > dapr.yaml
`;

const notes = `
On this machine it makes <dapr>/components, <dapr>/config.yaml and <dapr>/bin/daprd, where <dapr> is .dapr in your home folder (--runtime-path,
DAPR_RUNTIME_PATH). \`dapr run\` takes its components from there unless --resources-path names others. Files that you have changed stay as they are.

With -k the image is the one that \`npm run images\` builds in a clone of the kit, or one that --image names; a cluster that does not share Docker's images needs it loaded first (kind load docker-image,
minikube image load, k3d image import).

The manifests of --dry-run hold objects of kinds that they define themselves: where kubectl does not know one yet (\`no matches for kind\`), apply them
once more.
`;

/** Both platforms take these. */
const ofBoth = ["runtime-version", "image-registry", "image-variant"];
const onlyInCluster: FlagTable = Object.fromEntries(
  Object.entries(clusterInitFlags).filter(([name]) => !ofBoth.includes(name)),
);

export const init = command(
  "init",
  about.init,
  {
    kubernetes: { type: "bool", short: "k", about: "Install in Kubernetes" },
    ...standaloneInitFlags,
    ...clusterInitFlags,
  },
  { examples, notes },
  ({ flags, given, io }) => {
    if (flags.kubernetes) {
      sayMisplaced(given, standaloneInitFlags, "with -k", io);
      return initCluster(flags, io);
    }
    sayMisplaced(given, onlyInCluster, "without -k", io);
    return initHere(flags, given, io);
  },
);
