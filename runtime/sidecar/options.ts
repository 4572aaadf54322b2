/** What a sidecar is started with. */
import type { Flags } from "./flags.ts";
import type { Logger } from "../shared/log.ts";

export interface SidecarOptions {
  flags: Flags;
  env: Record<string, string | undefined>;
  log: Logger;
  /** Someone asked for the end over the API. */
  onShutdown: (force: boolean) => void;
  /** What the sidecar began with has changed: it has to end and start anew. */
  onRestart: (reason: string) => void;
  /** The end was asked for: a start that still waits for something is called off. */
  signal: AbortSignal;
}
