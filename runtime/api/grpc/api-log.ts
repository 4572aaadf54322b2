/** Dapr's API log: one line per answered call, whatever the log level (docs/protocol/daprd.md). */
import type { ServerCall } from "../../net/grpc/server-call.ts";
import type { Logger } from "../../shared/log.ts";

export function createApiLog(log: Logger): (call: ServerCall) => void {
  return (call) => {
    const started = performance.now();
    call.onStatus = (code) => {
      const userAgent = call.metadata["user-agent"];
      log.always("gRPC API Called", {
        method: call.path,
        ...(userAgent ? { useragent: userAgent } : {}),
        code,
        duration: Math.round(performance.now() - started),
      });
    };
  };
}
