/**
 * What the kinds of dapr.io may hold (spec kubernetes §5). `scopes` and `auth` are siblings of `spec`, which the
 * original doesn't require, and no object does without but a Configuration.
 */
import {
  any,
  anyObject,
  bool,
  choice,
  list,
  map,
  object,
  text,
  whole,
  type Schema,
} from "./schema.ts";

const secretKeyRef = object({
  "name*": text("Name of the Secret"),
  key: text("Key in the Secret; default: its name"),
});
/** A setting: given here, or taken from a Secret or an environment variable of the sidecar. */
const item = object({
  "name*": text(),
  value: any,
  secretKeyRef,
  envRef: text("Name of an environment variable of the sidecar"),
});
const scopes: Schema = {
  ...list(text()),
  description: "Ids of the apps that get it; none = all of the namespace",
};
const auth = object({
  "secretStore*": text("Store of the secretKeyRefs; kubernetes = Secrets"),
});

export const component = {
  "spec*": object({
    "type*": { ...text("e.g. state.redis"), minLength: 1 },
    "version*": text("e.g. v1"),
    "metadata*": list(item),
    ignoreErrors: bool,
    initTimeout: text("e.g. 10s"),
  }),
  auth,
  scopes,
};

const selectors = object({
  "fields*": list(object({ "field*": text(), "value*": text() })),
});
const pipeline = object({
  "handlers*": list(
    object({ "name*": text(), "type*": text(), selector: selectors }),
  ),
});
const apiRule = object({
  "name*": text(),
  "version*": text(),
  protocol: text(),
});
const metrics: Schema = object(
  {
    "enabled*": bool,
    http: object({
      increasedCardinality: bool,
      pathMatching: list(text()),
      excludeVerbs: bool,
    }),
    rules: list(
      object({
        "name*": text(),
        "labels*": list(object({ "name*": text(), "regex*": map(text()) })),
      }),
    ),
    latencyDistributionBuckets: list(whole),
    recordErrorCodes: bool,
  },
  { default: { enabled: true } },
);

export const configuration = {
  // Parts that newer sidecars know are kept, not dropped.
  spec: object(
    {
      accessControl: object({
        defaultAction: text(),
        trustDomain: text(),
        policies: list(
          object({
            "appId*": text(),
            defaultAction: text(),
            trustDomain: text(),
            namespace: text(),
            operations: list(
              object({
                "name*": text(),
                httpVerb: list(text()),
                "action*": text(),
              }),
            ),
          }),
        ),
      }),
      api: object({ allowed: list(apiRule), denied: list(apiRule) }),
      httpPipeline: pipeline,
      appHttpPipeline: pipeline,
      components: object({ deny: list(text()) }),
      features: list(object({ "name*": text(), "enabled*": bool })),
      logging: object({
        apiLogging: object({
          enabled: bool,
          obfuscateURLs: bool,
          omitHealthChecks: bool,
        }),
      }),
      metric: metrics,
      metrics,
      mtls: object({
        "enabled*": bool,
        controlPlaneTrustDomain: text(),
        sentryAddress: text(),
        workloadCertTTL: text(),
        allowedClockSkew: text(),
        tokenValidators: list(
          object({ "name*": choice("jwks"), options: anyObject }),
        ),
      }),
      nameResolution: object({
        "component*": text(),
        "version*": text(),
        "configuration*": anyObject,
      }),
      secrets: object({
        "scopes*": list(
          object({
            "storeName*": text(),
            defaultAccess: text(),
            allowedSecrets: list(text()),
            deniedSecrets: list(text()),
          }),
        ),
      }),
      tracing: object({
        "samplingRate*": text(),
        stdout: bool,
        zipkin: object({ "endpointAddress*": text() }),
        otel: object(
          {
            "endpointAddress*": text(),
            "isSecure*": bool,
            "protocol*": text(),
          },
          { "x-kubernetes-preserve-unknown-fields": true },
        ),
      }),
      wasm: object({ strictSandbox: bool }),
      workflow: anyObject,
    },
    { "x-kubernetes-preserve-unknown-fields": true },
  ),
};

/** One schema for both versions, so that no conversion webhook is needed: `route` is short for `routes.default`. */
export const subscription = {
  "spec*": object(
    {
      "pubsubname*": text(),
      "topic*": text(),
      route: text("Path of the app; v1alpha1's way"),
      routes: object({
        default: text(),
        rules: list(object({ "match*": text(), "path*": text() })),
      }),
      metadata: map(text()),
      deadLetterTopic: text(),
      bulkSubscribe: object({
        "enabled*": bool,
        maxMessagesCount: whole,
        maxAwaitDurationMs: whole,
      }),
    },
    {
      "x-kubernetes-validations": [
        {
          rule: "(has(self.route) && self.route != '') || (has(self.routes) && ((has(self.routes.default) && self.routes.default != '') || (has(self.routes.rules) && size(self.routes.rules) > 0)))",
          message: "route or routes must say which path of the app gets it",
        },
      ],
    },
  ),
  scopes,
};

const policyNames = object({
  timeout: text(),
  retry: text(),
  circuitBreaker: text(),
});
export const resiliency = {
  "spec*": object({
    "policies*": object({
      timeouts: map(text()),
      retries: map(
        object({
          policy: text(),
          duration: text(),
          maxInterval: text(),
          maxRetries: whole,
          matching: object({
            httpStatusCodes: text(),
            gRPCStatusCodes: text(),
          }),
        }),
      ),
      circuitBreakers: map(
        object({
          maxRequests: whole,
          interval: text(),
          timeout: text(),
          trip: text(),
        }),
      ),
    }),
    "targets*": object({
      apps: map(
        object({
          ...policyNames.properties,
          circuitBreakerCacheSize: whole,
        }),
      ),
      actors: map(
        object({
          ...policyNames.properties,
          circuitBreakerScope: text(),
          circuitBreakerCacheSize: whole,
        }),
      ),
      components: map(object({ inbound: policyNames, outbound: policyNames })),
    }),
  }),
  scopes,
};

const tlsPart = object({ value: any, secretKeyRef });
export const httpEndpoint = {
  "spec*": object({
    "baseUrl*": text(),
    headers: list(item),
    clientTLS: object({
      rootCA: tlsPart,
      certificate: tlsPart,
      privateKey: tlsPart,
      renegotiation: {
        ...choice("Never", "OnceAsClient", "FreelyAsClient"),
        default: "Never",
      },
    }),
  }),
  auth,
  scopes,
};
