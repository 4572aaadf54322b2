/** Two apps of one ID are allowed, as in the original, but seldom wanted. */
import type { Instance } from "../instances/instances.ts";
import type { Io } from "../io.ts";

export function sayIfRunning(
  appId: string,
  running: readonly Instance[],
  io: Io,
): void {
  const twin = running.findLast((one) => one.appId === appId);
  if (!twin) return;
  io.status(
    "warning",
    `An app with the ID "${appId}" is running already (daprd PID ${twin.daprdPid}): calls may reach either. \`dapr stop --app-id ${appId}\` stops both; for two apps give one of them another ID by --app-id (appID).`,
  );
}
