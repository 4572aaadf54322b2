/// <reference lib="esnext.disposable" />
/** The test API of the package: a real sidecar for the tests of an app (docs/package.md). */

/** What a value of a component's metadata may be. */
export type MetadataValue = string | number | boolean;

/** One entry of `spec.metadata`: a value, or where it comes from. */
export type MetadataItem =
  | { name: string; value: MetadataValue }
  | { name: string; secretKeyRef: { name: string; key?: string } }
  | { name: string; envRef: string };

/** A component, as a file of its kind has it. */
export interface Component {
  apiVersion: "dapr.io/v1alpha1";
  kind: "Component";
  metadata: { name: string; namespace?: string };
  spec: {
    /** Such as `state.in-memory` or `pubsub.redis`. */
    type: string;
    version: string;
    metadata?: readonly MetadataItem[];
    /** A duration such as `5s`. */
    initTimeout?: string;
    ignoreErrors?: boolean;
  };
  auth?: { secretStore: string };
  /** IDs of the apps that get it; all without it. */
  scopes?: readonly string[];
}

/** Settings of a sidecar, as a file of the kind Configuration has them. */
export interface Configuration {
  apiVersion: "dapr.io/v1alpha1";
  kind: "Configuration";
  metadata: { name: string; namespace?: string };
  spec: Readonly<Record<string, unknown>>;
}

export interface SidecarOptions {
  /** The port at which the app listens on 127.0.0.1. Without it the sidecar calls no app. */
  appPort?: number | undefined;
  /** The name by which others call the app: `test-app` if absent, then `test-app-2` and so on. */
  appId?: string | undefined;
  /** `http` if absent. */
  appProtocol?: "http" | "https" | "grpc" | "grpcs" | "h2c" | undefined;
  /**
   * Components and other resources, such as Subscriptions: a text of YAML (it has more than one line), the path of a file of it, or an
   * object of the kind Component.
   */
  components?: string | Component | readonly (string | Component)[] | undefined;
  /** Folders of resource files. Changes of these files take effect at once. */
  resourcesPath?: string | readonly string[] | undefined;
  /** As `components`, of the kind Configuration. */
  configuration?: string | Configuration | undefined;
  /** For an app that has to know the port first; any free one if absent. */
  httpPort?: number | undefined;
  /** The same for gRPC. */
  grpcPort?: number | undefined;
  /** Added to the sidecar's environment, which is this process's without `DAPR_…` and Node's own. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** More flags of `daprd`, such as `--enable-app-health-check`. */
  args?: readonly string[] | undefined;
  /** `info` if absent. */
  logLevel?: "debug" | "info" | "warn" | "error" | undefined;
  /** False: resolves once the API is served, whether or not the app listens. */
  waitForApp?: boolean | undefined;
  /** The limit for the app to listen and to say what it wants, once the sidecar is up: 4,000 ms if absent. */
  appTimeoutMs?: number | undefined;
}

/** A sidecar that runs. It ends by `stop()`, by `await using`, and with the process that started it, however that one ends. */
export interface Sidecar extends AsyncDisposable {
  readonly appId: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** `http://127.0.0.1:` and the port. */
  readonly httpEndpoint: string;
  /** The lines of its log so far; of more than 10,000 the last ones. */
  readonly logs: readonly string[];
  /** Ends it in order, and removes its files. Rejects with a {@link SidecarError} if it did not end well. */
  stop(): Promise<void>;
}

/** What is rejected with: the message says who, what and where, in the sidecar's own words. Its `name` is `SidecarError`. */
export interface SidecarError extends Error {
  readonly name: "SidecarError";
  readonly logs: readonly string[];
}

/**
 * Starts a sidecar. Resolves when it is ready: its API is served, and with an `appPort` all that the app subscribes to is read.
 * Rejects with a {@link SidecarError} if it does not start.
 */
export function startSidecar(options?: SidecarOptions): Promise<Sidecar>;
