/** Two sidecars that find only each other: `callee`, which has an app, and `caller`, which has none. */
import { startDaprd, type Daprd, type DaprdOptions } from "./daprd.ts";
import { tempFolder } from "./temp-folder.ts";

/** `more` are options of the callee. */
export async function startPair(
  appPort: number,
  more: DaprdOptions = {},
): Promise<{ callee: Daprd; caller: Daprd }> {
  const env = { DAPR_REGISTRY_PATH: tempFolder("registry") };
  const callee = await startDaprd({
    appId: "callee",
    appPort,
    until: "ready",
    env,
    ...more,
  });
  return { callee, caller: await startDaprd({ appId: "caller", env }) };
}

/** The port on which a sidecar listens for other sidecars. */
export async function peerPort(sidecar: Daprd): Promise<number> {
  const line = await sidecar.logged("Internal gRPC server is running on");
  return Number(/:(\d+)$/.exec(line)![1]);
}
