/** What a sidecar is started with. */
import type { Flags } from "./flags.ts";
import type { Logger } from "../shared/log.ts";

export interface SidecarOptions {
  flags: Flags;
  env: Record<string, string | undefined>;
  log: Logger;
  /** Called when someone asks for the end over the API. */
  onShutdown: (force: boolean) => void;
  /** Called when settings of the start have changed, so that the sidecar has to start anew. */
  onRestart: (reason: string) => void;
  /** Aborts when the end was asked for: then a start that still waits is called off. */
  signal: AbortSignal;
}
