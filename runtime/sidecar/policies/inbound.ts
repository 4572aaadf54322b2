/** What is around each delivery from a component to the app. */
import { AppUnreachable } from "../../contracts/app-channel.ts";
import {
  DeliveryError,
  DeliveryInterrupted,
} from "../../contracts/delivery.ts";
import type { Run } from "../../contracts/run.ts";
import { runWith, type Failure, type Policy } from "./runner.ts";

/** `policyOf` is asked each time. */
export const inboundRun =
  (policyOf: () => Policy | undefined): Run =>
  (work, until) => {
    const policy = policyOf();
    return policy
      ? runWith(policy, work, { until, failureOf: deliveryFailure })
      : work();
  };

/** The app's own status; over gRPC the code of its answer. */
function deliveryFailure(error: unknown): Failure {
  if (error instanceof DeliveryInterrupted) return { isFinal: true };
  if (error instanceof AppUnreachable) return {};
  if (!(error instanceof DeliveryError)) return {};
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return { code: typeof code === "number" ? code : error.status };
}
