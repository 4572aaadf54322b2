/** Tells the process that started this one how far the start has come, if it has opened a channel for that. */
import type { Sidecar } from "../sidecar/start.ts";
import type { StartStage } from "../shared/process/start-stage.ts";

export async function tellParent({
  ports,
  ready,
  reading,
}: Sidecar): Promise<void> {
  const tell = (stage: StartStage) => {
    // That the parent is gone is the lifeline's to tell.
    if (process.connected) process.send?.(stage, () => {});
  };
  tell({ stage: "listening", httpPort: ports.http, grpcPort: ports.grpc });
  try {
    await ready;
  } catch {
    return; // the sidecar ends before the app was there
  }
  tell({ stage: "initialized" });
  await reading;
  tell({ stage: "reading" });
}
