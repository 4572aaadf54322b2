/** What a Configuration may hold. It has no scopes: a pod names its own in `dapr.io/config`. */
import {
  anyObject,
  bool,
  choice,
  list,
  object,
  text,
  textMap,
  texts,
  type Schema,
} from "./schema.ts";

const pipeline = (description: string) =>
  object(description, {
    "handlers*": list(
      "Middleware in the order in which requests pass it",
      object("A Component of kind middleware", {
        "name*": text("Name of the Component"),
        "type*": text("Its type, e.g. middleware.http.ratelimit"),
        selector: object("Only for these requests", {
          "fields*": list(
            "Conditions that all have to hold",
            object("A condition", {
              "field*": text("Part of the request"),
              "value*": text("What it has to be"),
            }),
          ),
        }),
      }),
    ),
  });
const apiRules = (description: string) =>
  list(
    description,
    object("An API", {
      "name*": text("e.g. state, invoke, bindings"),
      "version*": text("e.g. v1.0"),
      protocol: text("http or grpc; both without it"),
    }),
  );
const metrics = (description: string): Schema =>
  object(
    description,
    {
      "enabled*": bool("Whether sidecars serve metrics"),
      http: object("Metrics of HTTP", {
        increasedCardinality: bool("One series per path"),
        pathMatching: texts("Paths, with {names}, that count as one series"),
        excludeVerbs: bool("One series for all verbs"),
      }),
      rules: list(
        "How labels are rewritten",
        object("Of one metric", {
          "name*": text("Name of the metric"),
          "labels*": list(
            "Its labels",
            object("A label", {
              "name*": text("Name of the label"),
              "regex*": textMap("New values, and expressions for the old ones"),
            }),
          ),
        }),
      ),
      latencyDistributionBuckets: list(
        "Bounds of latency's histogram, in milliseconds",
        { type: "integer", format: "int32" },
      ),
      recordErrorCodes: bool("Whether errors are counted by code"),
    },
    { default: { enabled: true } },
  );
const actions = "allow or deny";

export const configuration = {
  // Parts that newer sidecars know are kept, not dropped.
  spec: object(
    "Settings of the sidecars whose pods name it in dapr.io/config",
    {
      accessControl: object("Which apps may call this one", {
        defaultAction: text(`Without a policy: ${actions}`),
        trustDomain: text("Trust domain of this app"),
        policies: list(
          "Policies for single apps",
          object("What an app may", {
            "appId*": text("Id of the app that calls"),
            defaultAction: text(`Where no operation fits: ${actions}`),
            trustDomain: text("Trust domain of the app that calls"),
            namespace: text("Its namespace"),
            operations: list(
              "Paths that are treated in another way",
              object("A path", {
                "name*": text("The path, with * for what may follow"),
                httpVerb: texts("Verbs; * = all"),
                "action*": text(actions),
              }),
            ),
          }),
        ),
      }),
      api: object("Which APIs the sidecar serves its app", {
        allowed: apiRules("These and no others"),
        denied: apiRules("All but these"),
      }),
      httpPipeline: pipeline("Middleware for requests to the sidecar"),
      appHttpPipeline: pipeline("Middleware for requests to the app"),
      components: object("Which components may be loaded", {
        deny: texts("Types that are not, e.g. bindings.smtp"),
      }),
      features: list(
        "Features that are switched",
        object("A feature", {
          "name*": text("Its name"),
          "enabled*": bool("Whether it is on"),
        }),
      ),
      logging: object("What is logged", {
        apiLogging: object("Requests to the sidecar's APIs", {
          enabled: bool("Whether each is logged"),
          obfuscateURLs: bool("Route in place of the path"),
          omitHealthChecks: bool("Not those of health checks"),
        }),
      }),
      metric: metrics("Older name of metrics"),
      metrics: metrics("Metrics of the sidecar"),
      mtls: object("Mutual TLS between sidecars", {
        "enabled*": bool("Whether they ask each other for certificates"),
        controlPlaneTrustDomain: text("Trust domain of the control plane"),
        sentryAddress: text("Who gives the certificates"),
        workloadCertTTL: text("How long they last, e.g. 24h"),
        allowedClockSkew: text("How far clocks may be apart, e.g. 15m"),
        tokenValidators: list(
          "How tokens are checked",
          object("A way", {
            "name*": choice("Name of the way", "jwks"),
            options: anyObject("Its options"),
          }),
        ),
      }),
      nameResolution: object("How other apps are found", {
        "component*": text("e.g. kubernetes"),
        "version*": text("e.g. v1"),
        "configuration*": anyObject("Settings of that way"),
      }),
      secrets: object("Which secrets the app may read", {
        "scopes*": list(
          "Rules, one for each store",
          object("A store", {
            "storeName*": text("Name of the secret store"),
            defaultAccess: text(`Of secrets in no list: ${actions}`),
            allowedSecrets: texts("Only these may be read"),
            deniedSecrets: texts("These may not be read"),
          }),
        ),
      }),
      tracing: object("Traces of requests", {
        "samplingRate*": text("Share of requests that is traced, 0 to 1"),
        stdout: bool("Whether they are written to the log"),
        zipkin: object("A Zipkin server", {
          "endpointAddress*": text("Its URL"),
        }),
        otel: object(
          "An OpenTelemetry collector",
          {
            "endpointAddress*": text("Its host and port"),
            "isSecure*": bool("Whether by TLS"),
            "protocol*": text("http or grpc"),
          },
          { "x-kubernetes-preserve-unknown-fields": true },
        ),
      }),
      wasm: object("WebAssembly components", {
        strictSandbox: bool("Without clock and random numbers of the machine"),
      }),
      workflow: anyObject("Limits of workflows"),
    },
    { "x-kubernetes-preserve-unknown-fields": true },
  ),
};
