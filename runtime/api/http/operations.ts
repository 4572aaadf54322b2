/** The sidecar's own routes: health, metadata, shutdown (docs/protocol/http-api.md). */
import { ApiError } from "../../contracts/errors.ts";
import type { Subscription } from "../../contracts/subscription.ts";
import { encode } from "../../shared/json/go-json.ts";
import type { Description, Operations } from "../operations.ts";
import { BodyError, header, type Handler, type Route } from "./request.ts";

export function healthRoutes(sidecar: Operations): Route[] {
  const healthz: Handler = ({ query }) => {
    const appId = new URLSearchParams(query).get("appid");
    const waiting = sidecar.notReady();
    if (waiting.length > 0)
      throw new ApiError("healthNotReady", [waiting.join(" ")]);
    if (appId && appId !== sidecar.appId)
      throw new ApiError("healthAppIdMismatch");
    return { status: 204 };
  };
  const outbound: Handler = () => {
    if (!sidecar.outboundReady()) throw new ApiError("outboundNotReady");
    const absent = sidecar.absent();
    if (absent.length === 0) return { status: 204 };
    // In a header: clients take 204 alone for healthy, and it has no body.
    return {
      status: 204,
      headers: {
        "dapr-absent-components": encodeURI(absent.join(", ")),
      },
    };
  };
  return [
    ["GET", "/v1.0/healthz", healthz],
    ["GET", "/v1.0/healthz/outbound", outbound],
  ];
}

export function metadataReadRoutes(sidecar: Operations): Route[] {
  return [
    [
      "GET",
      "/v1.0/metadata",
      () => ({
        status: 200,
        body: encode(toJson(sidecar.description())) + "\n",
      }),
    ],
  ];
}

export function metadataRoutes(sidecar: Operations): Route[] {
  return [
    ...metadataReadRoutes(sidecar),
    [
      "PUT",
      "/v1.0/metadata/:key",
      async (request) => {
        try {
          const value = (await request.body()).toString("utf8");
          sidecar.setMetadata(request.params["key"]!, value);
          return { status: 204 };
        } catch (error) {
          if (error instanceof BodyError)
            throw new ApiError("bodyRead", [error.message], { cause: error });
          throw error;
        }
      },
    ],
  ];
}

export function shutdownRoutes(sidecar: Operations): Route[] {
  return [
    [
      "POST",
      "/v1.0/shutdown",
      (request) => {
        sidecar.shutdown(header(request, "dapr-force-shutdown") === "true");
        return { status: 204 };
      },
    ],
  ];
}

/** Empty members are left out. */
function toJson(sidecar: Description): Record<string, unknown> {
  const { enabledFeatures, components, httpEndpoints, appConnection } = sidecar;
  const { port, maxConcurrency, health, ...app } = appConnection;
  return {
    id: sidecar.id,
    runtimeVersion: sidecar.runtimeVersion,
    ...(enabledFeatures.length > 0 ? { enabledFeatures } : {}),
    ...(components.length > 0
      ? {
          components: components.map(({ capabilities, ...component }) => ({
            ...component,
            ...(capabilities.length > 0 ? { capabilities } : {}),
          })),
        }
      : {}),
    extended: sidecar.extended,
    ...(sidecar.subscriptions.length > 0
      ? { subscriptions: sidecar.subscriptions.map(subscriptionToJson) }
      : {}),
    ...(httpEndpoints.length > 0
      ? { httpEndpoints: httpEndpoints.map((name) => ({ name })) }
      : {}),
    appConnectionProperties: {
      ...(port > 0 ? { port } : {}),
      ...app,
      ...(maxConcurrency > 0 ? { maxConcurrency } : {}),
      ...(health ? { health } : {}),
    },
    actorRuntime: sidecar.actorRuntime,
  };
}

/** As the original does, `deadLetterTopic` is there even if it is empty. */
function subscriptionToJson(subscription: Subscription) {
  const { pubsub, topic, rules, metadata, deadLetterTopic } = subscription;
  return {
    pubsubname: pubsub,
    topic,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(rules.length > 0
      ? {
          rules: rules.map(({ match, path }) => ({
            ...(match === "" ? {} : { match }),
            ...(path === "" ? {} : { path }),
          })),
        }
      : {}),
    deadLetterTopic: deadLetterTopic ?? "",
    type: subscription.origin,
  };
}
