/** Where a sidecar's resources come from, and whether they may change while it runs. */
import type { Configuration } from "../contracts/configuration.ts";
import type { HttpEndpoint } from "../contracts/invocation.ts";
import type { Resiliency } from "../contracts/resiliency.ts";
import type { Subscription } from "../contracts/subscription.ts";
import type { SecretSource } from "./secret-refs.ts";
import type { LoadedComponent } from "./kinds/component.ts";

export interface ResourceSource {
  /** What can't be opened at the start is tried again; else it ends the start. */
  readonly isPatient: boolean;
  /** Asked first: what it refuses is not among the components. */
  configuration(): Promise<Configuration>;
  /** The components that concern this app, in order. */
  components(): Promise<LoadedComponent[]>;
  /** In the order in which they lie over each other. Called after the components. */
  resiliencies(): Promise<Resiliency[]>;
  /** The endpoints by name. Called once the components are open, as secrets come from them. */
  httpEndpoints(secrets: SecretSource): Promise<Map<string, HttpEndpoint>>;
  /** The declared subscriptions of this app, in order. */
  subscriptions(): Promise<Subscription[]>;
  /** Tells of changes from here on. */
  follow(changes: ResourceChanges): void;
  /** A component opened, a secret store maybe: what lacked a secret is read again. */
  opened?(): void;
  /** Tells of no more. */
  unfollow(): void;
  close(): Promise<void>;
}

/** Gets whole lists of what exists now; unchanged entries stay as they are. */
export interface ResourceChanges {
  /** Resolves once what is new has been tried. */
  components(now: LoadedComponent[]): Promise<void>;
  httpEndpoints(now: Map<string, HttpEndpoint>): void;
  resiliencies(now: Resiliency[]): void;
  subscriptions(now: Subscription[]): void;
  /** The Configuration has changed, so the sidecar has to start anew. */
  configuration(reason: string): void;
}
