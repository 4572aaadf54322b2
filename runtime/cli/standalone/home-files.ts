/** The files that `dapr init` puts into `<dapr>`: two components and a Configuration, with what they use. */
import { join } from "node:path";
import { redisName, zipkinName } from "./containers.ts";

export interface HomeChoice {
  /** Keep state and messages in Redis instead of SQLite files. */
  redis: boolean;
  /** Send traces to Zipkin. */
  zipkin: boolean;
  /** Containers are on a network of their own, where sidecars reach them by name. */
  network: boolean;
  /** No components. */
  slim: boolean;
}

export interface HomeFile {
  path: string;
  text: string;
  /** What another choice would have written: such a file is `init`'s own and may be replaced. */
  others: string[];
}

export const dataFolder = (home: string): string => join(home, "data");

const backings = ["sqlite", "localhost", redisName] as const;
type Backing = (typeof backings)[number];

export function homeFiles(home: string, choice: HomeChoice): HomeFile[] {
  const { redis, zipkin, network, slim } = choice;
  const backing = !redis ? "sqlite" : network ? redisName : "localhost";
  const component = (name: string, textOf: (with_: Backing) => string) => ({
    path: join(home, "components", `${name}.yaml`),
    text: textOf(backing),
    others: backings.filter((one) => one !== backing).map(textOf),
  });
  const tracings = ["", "localhost", zipkinName];
  const tracing = !zipkin ? "" : network ? zipkinName : "localhost";
  const config = {
    path: join(home, "config.yaml"),
    text: configText(tracing),
    others: tracings.filter((one) => one !== tracing).map(configText),
  };
  if (slim) return [config];
  return [
    component("statestore", (with_) => stateText(home, with_)),
    component("pubsub", (with_) => pubsubText(home, with_)),
    config,
  ];
}

const note =
  "# Written by `dapr init`, which leaves it alone once it is changed.";

const stateText = (home: string, backing: Backing) =>
  componentText("statestore", "state", backing, {
    ...(backing === "sqlite"
      ? { connectionString: join(dataFolder(home), "state.db") }
      : { redisHost: `${backing}:6379`, redisPassword: "" }),
    actorStateStore: "true",
  });

const pubsubText = (home: string, backing: Backing) =>
  componentText(
    "pubsub",
    "pubsub",
    backing,
    backing === "sqlite"
      ? { path: join(dataFolder(home), "pubsub.db") }
      : { redisHost: `${backing}:6379`, redisPassword: "" },
  );

function componentText(
  name: string,
  kind: string,
  backing: Backing,
  metadata: Record<string, string>,
): string {
  const items = Object.entries(metadata).map(
    // A JSON text is a YAML one, whatever characters a path has.
    ([key, value]) =>
      `    - name: ${key}\n      value: ${JSON.stringify(value)}\n`,
  );
  return `${note}
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${kind}.${backing === "sqlite" ? "sqlite" : "redis"}
  version: v1
  metadata:
${items.join("")}`;
}

const configText = (zipkinHost: string) => `${note}
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: daprConfig
spec:${
  zipkinHost === ""
    ? " {}\n"
    : `
  tracing:
    samplingRate: "1"
    zipkin:
      endpointAddress: http://${zipkinHost}:9411/api/v2/spans
`
}`;
