/** The sidecar's own routes: health, metadata, shutdown (docs/protocol/http-api.md). */
import { ApiError } from "../../contracts/errors.ts";
import { encode } from "../../shared/json/go-json.ts";
import { BodyError, header, type Handler, type Route } from "./request.ts";

/** What these routes need to know of the running sidecar. */
export interface Operations {
  appId: string;
  /** Names of what is not ready yet; empty = ready. */
  notReady(): string[];
  outboundReady(): boolean;
  /** Components that are left out, as their type is not in this version: `name (type/version)`. */
  absent(): string[];
  metadata(): Record<string, unknown>;
  setMetadata(key: string, value: string): void;
  shutdown(force: boolean): void;
}

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
      () => ({ status: 200, body: encode(sidecar.metadata()) + "\n" }),
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
