/** Dapr's API log: one line per answered call that was let in, whatever the log level (docs/protocol/daprd.md). */
import type { ServerCall } from "../../net/grpc/server-call.ts";
import type { Logger } from "../../shared/log.ts";

export function createApiLog(
  log: Logger,
): (call: ServerCall, code: number, ms: number) => void {
  return (call, code, ms) => {
    const userAgent = call.metadata["user-agent"];
    log.always("gRPC API Called", {
      method: call.path,
      ...(userAgent ? { useragent: userAgent } : {}),
      code,
      duration: Math.round(ms),
    });
  };
}
