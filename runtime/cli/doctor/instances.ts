/** Sidecars that are left over: that nobody looks after, that do not answer, or that share an ID. */
import { findInstances, type Instance } from "../instances/instances.ts";
import { getMetadata } from "../instances/sidecar-http.ts";
import { note, ok, warning, type Finding } from "./finding.ts";

export async function checkInstances(): Promise<Finding[]> {
  const { tests = [], others: running = [] } = Object.groupBy(
    await findInstances(),
    (one) => (isOfTests(one) ? "tests" : "others"),
  );
  const found = (await Promise.all(running.map(look))).flat();
  if (tests.length > 0)
    found.push(
      note(
        `${tests.length === 1 ? "A sidecar of tests runs" : `${tests.length} sidecars of tests run`} (${tests.map(({ appId, daprdPid }) => `"${appId}", PID ${daprdPid}`).join("; ")}) and will end with them`,
      ),
    );
  else if (running.length === 0) return [ok("No sidecar is running")];
  const ids = running.map(({ appId }) => appId);
  for (const id of new Set(ids)) {
    const count = ids.filter((one) => one === id).length;
    if (count > 1)
      found.push(
        warning(
          `${count} sidecars have the app ID "${id}": calls may reach any`,
          `\`dapr stop --app-id ${id}\` ends all of them.`,
        ),
      );
  }
  if (found.length > 0) return found;
  return [ok(`Running: ${ids.join(", ")}`)];
}

/** `startSidecar` lets the system choose the port, which the command line does not show then. */
const isOfTests = ({ httpPort, socketPath }: Instance) =>
  httpPort === 0 && socketPath === undefined;

async function look(instance: Instance): Promise<Finding[]> {
  const { appId, daprdPid, cli } = instance;
  const who = `The sidecar of "${appId}" (PID ${daprdPid})`;
  const hint = `\`dapr stop --app-id ${appId}\` ends it.`;
  try {
    await getMetadata(instance);
  } catch (error) {
    return [
      warning(`${who} does not answer: ${(error as Error).message}`, hint),
    ];
  }
  return cli
    ? []
    : [
        note(
          `${who} has no \`dapr run\`: it was started without one, or has outlived it. ${hint}`,
        ),
      ];
}
