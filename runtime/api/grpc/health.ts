/** `grpc.health.v1`: whether the sidecar is ready (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import { encodeMessage } from "../../proto/codec.ts";
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../proto/gen/grpc/health/v1/health.ts";
import { startInterval } from "../../shared/timers.ts";
import { decode, unary, type Methods } from "./method.ts";

const watchMs = 1000;

/** `services` are the names that may be asked for; the empty one is the whole server. */
export function healthMethods(
  isReady: () => boolean,
  services: ReadonlySet<string>,
): Methods {
  const statusOf = (service: string): ServingStatus => {
    if (service !== "" && !services.has(service))
      return ServingStatus.SERVICE_UNKNOWN;
    return isReady() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };
  return {
    "/grpc.health.v1.Health/Check": unary(
      HealthCheckRequest,
      HealthCheckResponse,
      ({ service }) => {
        const status = statusOf(service);
        if (status === ServingStatus.SERVICE_UNKNOWN)
          throw new GrpcError(grpcCode.notFound, "unknown service");
        return { status };
      },
    ),
    "/grpc.health.v1.Health/Watch": (call) => watch(call, statusOf),
  };
}

/** Tells the status at once, and whenever it changes. */
function watch(call: ServerCall, statusOf: (service: string) => ServingStatus) {
  let timer: NodeJS.Timeout | undefined;
  call.endsWithServer();
  call.onClose(() => clearInterval(timer));
  call.read({
    onMessage(bytes) {
      if (timer) return;
      const { service } = decode(HealthCheckRequest, bytes);
      let told: ServingStatus | undefined;
      const tell = () => {
        const status = statusOf(service);
        if (status === told) return;
        told = status;
        call.write(encodeMessage(HealthCheckResponse, { status }));
      };
      tell();
      timer = startInterval(tell, watchMs);
    },
    onEnd() {
      if (!timer)
        call.fail(new GrpcError(grpcCode.internal, "the call has no message"));
    },
  });
}
