/** Where a sidecar's resources come from, and whether they may change while it runs. */
import type { Configuration } from "../contracts/configuration.ts";
import type { HttpEndpoint } from "../contracts/invocation.ts";
import type { SecretSource } from "./secret-refs.ts";
import type { LoadedComponent } from "./kinds/component.ts";

export interface ResourceSource {
  /** Asked first: what it refuses is not among the components. */
  configuration(): Promise<Configuration>;
  /** Those that concern this app, in order. */
  components(): Promise<LoadedComponent[]>;
  /** By name. Asked once the components are open, as its secrets come from them. */
  httpEndpoints(secrets: SecretSource): Promise<Map<string, HttpEndpoint>>;
  /** Tells of changes from here on. Absent where nothing is looked for. */
  follow?(changes: ResourceChanges): void;
  /** Tells of no more. */
  unfollow?(): void;
  close(): Promise<void>;
}

/** Told what holds now, whole lists: what is in them unchanged stays as it is. */
export interface ResourceChanges {
  components(now: LoadedComponent[]): void;
  httpEndpoints(now: Map<string, HttpEndpoint>): void;
  /** The Configuration is another, which takes a new start. */
  configuration(reason: string): void;
}
