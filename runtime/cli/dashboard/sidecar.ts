/** A sidecar that the dashboard shows, and where it finds them: on this machine, or in a cluster. */
import type { SidecarAddress } from "../instances/sidecar-http.ts";
import type { EventStream } from "./event-stream.ts";
import type { App } from "./messages.ts";

/** What a sidecar told of itself. */
export type Metadata = Record<string, unknown>;

export interface Sidecar {
  /** Of this very one. Another that takes its place has another key. */
  key: string;
  /** What the page is told. */
  app: Omit<App, "isWatched">;
  /** Undefined if it has not answered yet. */
  metadata: Metadata | undefined;
  /** By which it may be watched. */
  watchToken: string | undefined;
  /** Where it answers now. Rejects with why it can't be reached. */
  reach(): Promise<SidecarAddress>;
  /** Sends the lines of the app and of the sidecar until the page closes. */
  sendLogs(page: EventStream): void;
}

export interface SidecarSource {
  /** kubectl's name of the cluster; undefined: this machine. */
  cluster: string | undefined;
  /** How often to look while a page is open. */
  pollMs: number;
  /** The oldest first. `known`: what a sidecar told before, as one that is busy is still what it was. */
  find(
    known: (key: string) => Metadata | undefined,
  ): Promise<readonly Sidecar[]>;
  /** Ends all that it has started. */
  close(): Promise<void>;
}
