/** Ports that a run wants and somebody else has. */
import { findInstances, type Instance } from "../instances/instances.ts";
import { isFree } from "../run/ports.ts";
import {
  failure,
  note,
  ok,
  type Examined,
  type Finding,
  type WantedPort,
} from "./finding.ts";
import { listeners, type Listener } from "./listeners.ts";

/** Where programs expect a sidecar if nobody tells them its port. */
const usual: WantedPort[] = [
  { port: 3500, what: "the usual HTTP port of a sidecar", appId: "" },
  { port: 50001, what: "the usual gRPC port of a sidecar", appId: "" },
];

export async function checkPorts({ wanted }: Examined): Promise<Finding[]> {
  const asked = wanted.length > 0 ? wanted : usual;
  const busy: WantedPort[] = [];
  for (const one of asked) if (!(await isFree(one.port))) busy.push(one);
  if (busy.length === 0)
    return [ok(`Free: ${asked.map(({ port }) => port).join(", ")}`)];
  const [instances, owners] = await Promise.all([findInstances(), listeners()]);
  return busy.map((one) => tell(one, instances, owners.get(one.port)));
}

function tell(
  { port, what, appId }: WantedPort,
  instances: readonly Instance[],
  owner: Listener | undefined,
): Finding {
  const app = instances.find(
    (one) =>
      [one.httpPort, one.grpcPort, one.appPort].includes(port) ||
      one.daprdPid === owner?.pid,
  );
  const who = app
    ? `app "${app.appId}"${owner ? ` (${owner.name}, PID ${owner.pid})` : ""}`
    : owner
      ? `${owner.name} (PID ${owner.pid})`
      : "a program of another user";
  if (app && app.appId === appId)
    return note(`${port}, ${what}, is in use: that app runs already`);
  if (appId === "")
    return note(
      `${port}, ${what}, is in use by ${who}; \`dapr run\` picks another unless a flag names it`,
    );
  return failure(
    `${port}, ${what}, is in use by ${who}`,
    app
      ? `\`dapr stop --app-id ${app.appId}\` ends it; or give another port.`
      : "End that program, or give another port.",
  );
}
