/** A sidecar with the embedded binding `orders`, and an app that takes the orders. */
import { startDaprd, type Daprd } from "./daprd.ts";
import { embedded } from "./embedded.ts";
import { startApp, type RecordingApp } from "./recording-app.ts";

export async function startOrders(): Promise<{
  app: RecordingApp;
  sidecar: Daprd;
}> {
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    resources: { "a.yaml": embedded() },
  });
  return { app, sidecar };
}
