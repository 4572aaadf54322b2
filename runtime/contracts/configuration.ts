/** What a `kind: Configuration` resource says, as far as the sidecar acts on it (docs/protocol/configuration.md). */
import type { MetadataItem } from "./metadata.ts";
import type { Position } from "../shared/position.ts";

export interface Configuration {
  /** `spec.secrets.scopes`: which secrets of a store the app may read. */
  secretScopes: SecretScope[];
  /** `spec.accessControl`: who may call this app; absent = everybody. */
  accessControl?: AccessControl;
  /** `spec.nameResolution`; absent = the default of a machine (local registry and mDNS). */
  nameResolution?: NameResolution;
  /** `spec.components.deny`: types, or `type/version`, that are refused. */
  deniedComponents: string[];
  /** Names of `spec.features` that are enabled; the metadata lists them. */
  enabledFeatures: string[];
  /** Names of those that are disabled. */
  disabledFeatures: string[];
  /** `spec.logging.apiLogging`. */
  apiLogging: {
    enabled?: boolean;
    obfuscateUrls: boolean;
    omitHealthChecks: boolean;
  };
  metrics: MetricsSettings;
}

/** `spec.metrics`, or `spec.metric` where that one is silent. */
export interface MetricsSettings {
  /** Absent: as the flag says. */
  enabled?: boolean;
  /** Counts the API's errors by their codes. */
  recordErrorCodes: boolean;
  http: {
    /** Without it, only paths of {@link pathMatching} are told apart. */
    increasedCardinality: boolean;
    pathMatching: string[];
    excludeVerbs: boolean;
  };
  /** Milliseconds, ascending. */
  latencyBuckets?: number[];
  /** Absent: none. */
  rules?: MetricRule[];
}

/** What a label of a metric becomes, by patterns one after the other. */
export interface MetricRule {
  /** With or without `dapr_`. */
  metric: string;
  label: string;
  replacements: {
    /** In the syntax of RE2; not checked. */
    pattern: string;
    /** What each match becomes; `$1` stands for what a group found. */
    replacement: string;
    at: Position;
  }[];
}

export interface SecretScope {
  storeName: string;
  defaultAccess: "allow" | "deny";
  allowedSecrets: string[];
  deniedSecrets: string[];
  at?: Position;
}

export type AccessAction = "allow" | "deny";

export interface AccessControl {
  defaultAction: AccessAction;
  trustDomain: string;
  policies: AccessPolicy[];
}

export interface AccessPolicy {
  appId: string;
  namespace: string;
  trustDomain: string;
  defaultAction: AccessAction;
  operations: {
    /** With a leading slash. A last segment `*` stands for any one segment, `**` for any rest. */
    name: string;
    /** Upper case; `*` stands for any verb. */
    httpVerbs: string[];
    action: AccessAction;
  }[];
}

export interface NameResolution {
  /** e.g. `mdns`, `sqlite` */
  component: string;
  version: string;
  configuration: MetadataItem[];
  at?: Position;
}

export const defaultMetrics: MetricsSettings = {
  recordErrorCodes: false,
  http: { increasedCardinality: true, pathMatching: [], excludeVerbs: false },
};

/** The Configuration if no `--config` is given. */
export const defaultConfiguration: Configuration = {
  secretScopes: [],
  deniedComponents: [],
  enabledFeatures: [],
  disabledFeatures: [],
  apiLogging: { obfuscateUrls: false, omitHealthChecks: false },
  metrics: defaultMetrics,
};
