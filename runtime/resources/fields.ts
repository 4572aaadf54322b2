/** The fields of the resources that a sidecar reads, as their definitions in a cluster have them. */
import type { Fields } from "./unknown-fields.ts";

const objectMeta: Fields = {
  name: true,
  namespace: true,
  labels: true,
  annotations: true,
  // What a cluster adds and `kubectl get -o yaml` shows.
  creationTimestamp: true,
  deletionGracePeriodSeconds: true,
  deletionTimestamp: true,
  finalizers: true,
  generateName: true,
  generation: true,
  managedFields: true,
  ownerReferences: true,
  resourceVersion: true,
  selfLink: true,
  uid: true,
};

const source: Fields = {
  value: true,
  // `problem` is set by the operator, for the sidecar.
  secretKeyRef: { name: true, key: true, problem: true },
  envRef: true,
};

const top: Fields = { apiVersion: true, kind: true, metadata: objectMeta };

const scoped: Fields = { ...top, auth: { secretStore: true }, scopes: true };

export const componentFields: Fields = {
  ...scoped,
  spec: {
    type: true,
    version: true,
    ignoreErrors: true,
    initTimeout: true,
    metadata: [{ name: true, ...source }],
  },
};

export const httpEndpointFields: Fields = {
  ...scoped,
  spec: {
    version: true,
    baseUrl: true,
    headers: [{ name: true, ...source }],
    clientTLS: {
      rootCA: source,
      certificate: source,
      privateKey: source,
      renegotiation: source,
    },
  },
};

const policyNames: Fields = {
  timeout: true,
  retry: true,
  circuitBreaker: true,
};

export const resiliencyFields: Fields = {
  ...top,
  scopes: true,
  spec: {
    policies: {
      timeouts: { "*": true },
      retries: {
        "*": {
          policy: true,
          duration: true,
          maxInterval: true,
          maxRetries: true,
          matching: { httpStatusCodes: true, gRPCStatusCodes: true },
        },
      },
      circuitBreakers: {
        "*": { maxRequests: true, interval: true, timeout: true, trip: true },
      },
    },
    targets: {
      apps: { "*": { ...policyNames, circuitBreakerCacheSize: true } },
      actors: {
        "*": {
          ...policyNames,
          circuitBreakerScope: true,
          circuitBreakerCacheSize: true,
        },
      },
      components: { "*": { inbound: policyNames, outbound: policyNames } },
    },
  },
};

const subscriptionSpec: Fields = {
  pubsubname: true,
  topic: true,
  deadLetterTopic: true,
  metadata: true,
  bulkSubscribe: {
    enabled: true,
    maxMessagesCount: true,
    maxAwaitDurationMs: true,
  },
};

/** By apiVersion. */
export const subscriptionFields: Record<string, Fields> = {
  "dapr.io/v1alpha1": {
    ...top,
    scopes: true,
    spec: { ...subscriptionSpec, route: true },
  },
  "dapr.io/v2alpha1": {
    ...top,
    scopes: true,
    spec: {
      ...subscriptionSpec,
      routes: { rules: [{ match: true, path: true }], default: true },
    },
  },
};

/** Slips below `spec` are reported by whoever reads it. */
export const configurationFields: Fields = { ...top, spec: true };
