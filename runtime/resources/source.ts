/** Where a sidecar's resources come from, and whether they may change while it runs. */
import type { Configuration } from "../contracts/configuration.ts";
import type { HttpEndpoint } from "../contracts/invocation.ts";
import type { SecretSource } from "./secret-refs.ts";
import type { LoadedComponent } from "./kinds/component.ts";

export interface ResourceSource {
  /** Called first: components that it refuses are left out. */
  configuration(): Promise<Configuration>;
  /** The components that concern this app, in order. */
  components(): Promise<LoadedComponent[]>;
  /** The endpoints by name. Called once the components are open, as secrets come from them. */
  httpEndpoints(secrets: SecretSource): Promise<Map<string, HttpEndpoint>>;
  /** Reports changes from here on. Absent if changes are not looked for. */
  follow?(changes: ResourceChanges): void;
  /** Reports no more changes. */
  unfollow?(): void;
  close(): Promise<void>;
}

/** Gets whole lists of what exists now; unchanged entries stay as they are. */
export interface ResourceChanges {
  components(now: LoadedComponent[]): void;
  httpEndpoints(now: Map<string, HttpEndpoint>): void;
  /** The Configuration has changed, so the sidecar has to start anew. */
  configuration(reason: string): void;
}
