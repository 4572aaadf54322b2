/** `dapr status -k`: the control plane's pods, one row a service. */
import { CommandError, command } from "../command.ts";
import { age, created } from "../age.ts";
import { renderTable } from "../table.ts";
import { about } from "../commands/about.ts";
import { listObjects } from "./kubectl.ts";
import { tagOf, type Pod } from "./pods.ts";
import { warnOfExpiry } from "./root-certificate.ts";

/** The original's services, in its order; this control plane has some of them. */
const services = [
  "dapr-operator",
  "dapr-sentry",
  "dapr-placement-server",
  "dapr-sidecar-injector",
  "dapr-scheduler-server",
];

export const status = command(
  "status",
  about.status,
  {
    kubernetes: {
      type: "bool",
      short: "k",
      required: true,
      about: "Show the health of the control plane in Kubernetes",
    },
  },
  {
    examples:
      "\n# The control plane in the cluster kubectl points at\ndapr status -k\n",
  },
  async ({ io }) => {
    const pods = await listObjects<Pod>(
      "pods",
      "all",
      `app in (${services.join(",")})`,
    );
    const rows = statusRows(pods, Date.now());
    if (rows.length === 0)
      throw new CommandError(
        "No status returned. Is Dapr initialized in your cluster?",
      );
    io.out(renderTable(rows));
    await warnOfExpiry(io);
    return 0;
  },
);

export function statusRows(
  pods: readonly Pod[],
  nowMs: number,
): Record<string, string>[] {
  return services.flatMap((name) => {
    const mine = pods.filter(
      ({ metadata }) => metadata.labels?.["app"] === name,
    );
    const [first] = mine;
    if (!first) return [];
    const states = mine.map(stateOf);
    const since = new Date(first.metadata.creationTimestamp);
    return [
      {
        NAME: name,
        NAMESPACE: first.metadata.namespace ?? "",
        HEALTHY: mine.every(isHealthy) ? "True" : "False",
        STATUS: states.find((state) => state !== "Running") ?? "Running",
        REPLICAS: String(mine.length),
        VERSION: tagOf(first.spec.containers[0]!.image),
        AGE: age(nowMs - since.getTime()),
        CREATED: created(since),
      },
    ];
  });
}

const isHealthy = ({ status }: Pod) =>
  status.containerStatuses?.every(({ ready }) => ready) ?? false;

function stateOf({ status }: Pod): string {
  const state = status.containerStatuses?.[0]?.state;
  if (state?.running) return "Running";
  if (state?.terminated) return "Terminated";
  const reason = state?.waiting?.reason;
  return reason ? `Waiting (${reason})` : "Waiting";
}
