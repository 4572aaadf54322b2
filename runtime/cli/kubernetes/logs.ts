/** `dapr logs -k -a ID`: what an app's sidecar has logged. */
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";
import { checkNamespace } from "./check-flags.ts";
import { kubectl, listObjects } from "./kubectl.ts";
import { argOf, sidecarOf, type Pod } from "./pods.ts";

export interface PodLogFlags {
  "app-id": string;
  "pod-name": string;
  namespace: string;
}

export async function printPodLog(flags: PodLogFlags, io: Io): Promise<number> {
  const { namespace } = flags;
  checkNamespace(namespace);
  const pods = await listObjects<Pod>("pods", { namespace });
  const pod = pods.find((candidate) => {
    const sidecar = sidecarOf(candidate);
    return (
      sidecar !== undefined &&
      argOf(sidecar, "--app-id") === flags["app-id"] &&
      (flags["pod-name"] === "" ||
        candidate.metadata.name === flags["pod-name"])
    );
  });
  if (!pod)
    throw new CommandError(
      `could not get logs. Please check app-id (${flags["app-id"]}) and namespace (${namespace})`,
    );
  const text = await kubectl([
    "logs",
    "-n",
    namespace,
    pod.metadata.name,
    "-c",
    "daprd",
  ]);
  process.stdout.write(text);
  io.status("success", "Fetched logs");
  return 0;
}
