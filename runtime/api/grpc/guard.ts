/** Who may call, as api/http/guard.ts has it. No web page can speak HTTP/2 without TLS, so neither names nor origins are looked at. */
import { ApiError } from "../../contracts/errors.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import { isFromHere } from "../from-here.ts";
import { createTokenCheck } from "../token.ts";

export interface GuardOptions {
  /** `DAPR_API_TOKEN`; no check without it. */
  apiToken: string | undefined;
  /** `DAPR_ALLOW_REMOTE_SHUTDOWN`: shutdown and metadata writes from other machines without a token. */
  allowRemoteShutdown: boolean;
}

/** Returns the refusal, or undefined to let the call pass. */
export type Guard = (call: ServerCall) => ApiError | undefined;

export function createGuard({
  apiToken,
  allowRemoteShutdown,
}: GuardOptions): Guard {
  const isToken = apiToken ? createTokenCheck(apiToken) : undefined;
  return (call) => {
    if (isToken) {
      const given = call.metadata["dapr-api-token"];
      return isToken(typeof given === "string" ? given : undefined)
        ? undefined
        : new ApiError("invalidToken");
    }
    return privileged.has(call.path) &&
      !allowRemoteShutdown &&
      !isFromHere(call.remote, call.metadata)
      ? new ApiError("onlyLocal")
      : undefined;
  };
}

const privileged = new Set([
  "/dapr.proto.runtime.v1.Dapr/Shutdown",
  "/dapr.proto.runtime.v1.Dapr/SetMetadata",
]);
