/** The running sidecar, as both doors show it. */
import type { Subscription } from "../contracts/subscription.ts";

/** What these routes need to know of the running sidecar. */
export interface Operations {
  appId: string;
  /** Names of what is not ready yet; empty = ready. */
  notReady(): string[];
  outboundReady(): boolean;
  /** Components that are left out, as their type is not in this version: `name (type/version)`. */
  absent(): string[];
  description(): Description;
  setMetadata(key: string, value: string): void;
  shutdown(force: boolean): void;
}

/** What `GET /v1.0/metadata` and GetMetadata answer. */
export interface Description {
  id: string;
  runtimeVersion: string;
  enabledFeatures: readonly string[];
  components: readonly {
    name: string;
    type: string;
    version: string;
    capabilities: readonly string[];
  }[];
  /** What clients stored. */
  extended: Record<string, string>;
  subscriptions: readonly Subscription[];
  /** Names. */
  httpEndpoints: readonly string[];
  appConnection: {
    /** 0 = there is no app. */
    port: number;
    protocol: string;
    channelAddress: string;
    /** 0 = no limit. */
    maxConcurrency: number;
    health?: {
      healthCheckPath: string;
      healthProbeInterval: string;
      healthProbeTimeout: string;
      healthThreshold: number;
    };
  };
  actorRuntime: {
    runtimeStatus: "INITIALIZING" | "DISABLED" | "RUNNING";
    hostReady: boolean;
    placement: string;
  };
}
