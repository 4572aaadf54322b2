/**
 * What the kinds of dapr.io may hold. `scopes` and `auth` are siblings of `spec`. The original
 * does not require `spec`; only a Configuration can do without it.
 */
import {
  any,
  bool,
  choice,
  list,
  map,
  object,
  text,
  textMap,
  texts,
  whole,
  type Schema,
} from "./schema.ts";

const secretKeyRef = object("A value out of a Secret", {
  "name*": text("Name of the Secret"),
  key: text("Key in the Secret; default: its name"),
});
/** Given here, or taken from a Secret or an environment variable of the sidecar. */
const items = (description: string): Schema =>
  list(
    description,
    object("A setting and its value", {
      "name*": text("Name of the setting"),
      value: any("Its value: a text, a number or true and false"),
      secretKeyRef,
      envRef: text("Name of an environment variable of the sidecar"),
    }),
  );
const scopes = texts(
  "Ids of the apps that get it; none = all of the namespace",
);
const auth = object("Where secrets come from", {
  "secretStore*": text("Store of the secretKeyRefs; kubernetes = Secrets"),
});

export const component = {
  "spec*": object("What the component is and how it is set up", {
    "type*": {
      ...text("Kind and driver, e.g. state.redis or bindings.kafka"),
      minLength: 1,
    },
    "version*": text("Version of the driver, e.g. v1"),
    "metadata*": items("The driver's settings"),
    ignoreErrors: bool("The app starts without it where it can't be opened"),
    initTimeout: text("How long opening it may take, e.g. 10s (default 5s)"),
  }),
  auth,
  scopes,
};

/** One schema for both versions, so that no conversion webhook is needed: `route` is short for `routes.default`. */
export const subscription = {
  "spec*": object(
    "Which messages come to the app, and where",
    {
      "pubsubname*": text("Name of the Component of kind pubsub"),
      "topic*": text("The topic, as the broker knows it"),
      route: text("Path of the app; v1alpha1's way"),
      routes: object("Paths of the app, chosen by the message", {
        default: text("Path of what no rule is for"),
        rules: list(
          "Looked at in order; the first that is true decides",
          object("A condition and a path", {
            "match*": text('Condition in CEL, e.g. event.type == "order"'),
            "path*": text("Path of the app"),
          }),
        ),
      }),
      metadata: textMap("Settings of this subscription for the broker"),
      deadLetterTopic: text("Topic for what the app does not take"),
      bulkSubscribe: object("Several messages in one request", {
        "enabled*": bool("Whether they come in lists"),
        maxMessagesCount: whole("Messages in a list at most"),
        maxAwaitDurationMs: whole("Milliseconds that a list is waited for"),
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

const policyNames = (description: string) =>
  object(description, {
    timeout: text("Name of one of policies.timeouts"),
    retry: text("Name of one of policies.retries"),
    circuitBreaker: text("Name of one of policies.circuitBreakers"),
  });
const targetPolicies = policyNames("Policies of this target").properties;
const cacheSize = whole("So many circuit breakers are kept at a time");
export const resiliency = {
  "spec*": object("What happens when a call fails or takes long", {
    "policies*": object("Policies by name, for the targets below", {
      timeouts: textMap("How long a call may take, e.g. 5s, by name"),
      retries: map(
        "How often a failed call is made anew, by name",
        object("When and how often", {
          policy: text("constant or exponential"),
          duration: text("Pause between two tries; constant only"),
          maxInterval: text("Longest pause; exponential only"),
          maxRetries: whole("Tries after the first; -1 = without end"),
          matching: object("Which failures are tried again; all without it", {
            httpStatusCodes: text("Statuses and ranges, e.g. 429,500-599"),
            gRPCStatusCodes: text("Codes and ranges, e.g. 2,13-14"),
          }),
        }),
      ),
      circuitBreakers: map(
        "When calls are refused at once, by name",
        object("When it opens and closes", {
          maxRequests: whole("Calls that are let through while half open"),
          interval: text("After so long counts begin anew; 0 = never"),
          timeout: text("So long it stays open"),
          trip: text(
            "Condition in CEL that opens it, e.g. consecutiveFailures > 5",
          ),
        }),
      ),
    }),
    "targets*": object("What the policies are for", {
      apps: map(
        "Calls to other apps, by app id",
        object("Policies of this app", {
          ...targetPolicies,
          circuitBreakerCacheSize: cacheSize,
        }),
      ),
      actors: map(
        "Calls of actors, by their type",
        object("Policies of this type", {
          ...targetPolicies,
          circuitBreakerScope: text("type, id or both"),
          circuitBreakerCacheSize: cacheSize,
        }),
      ),
      components: map(
        "Calls of components, by their name",
        object("Policies of this component", {
          inbound: policyNames("From the component to the app"),
          outbound: policyNames("From the app to the component"),
        }),
      ),
    }),
  }),
  scopes,
};

const tlsPart = (description: string) =>
  object(description, {
    value: any("The PEM text itself"),
    secretKeyRef,
  });
export const httpEndpoint = {
  "spec*": object("An address outside that apps call by a name", {
    "baseUrl*": text("Where calls go, e.g. https://api.example.com/v1"),
    headers: items("Sent with each call"),
    clientTLS: object("Certificates for it", {
      rootCA: tlsPart("Certificate authority that its certificate is of"),
      certificate: tlsPart("Certificate that is shown to it"),
      privateKey: tlsPart("Key of that certificate"),
      renegotiation: {
        ...choice(
          "Whether it may ask for another handshake",
          "Never",
          "OnceAsClient",
          "FreelyAsClient",
        ),
        default: "Never",
      },
    }),
  }),
  auth,
  scopes,
};
