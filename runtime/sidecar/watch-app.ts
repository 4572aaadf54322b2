/** Watches the app: first waits for its port, then follows its health. Inputs are read while it is healthy. */
import { watchHealth } from "../app/health.ts";
import type { AppChannel } from "../contracts/app-channel.ts";
import type { Flags } from "./flags.ts";
import type { Logger } from "../shared/log.ts";
import { protocolOf } from "./open-app.ts";

interface Inputs {
  startReading(): Promise<void>;
  stopReading(): Promise<void>;
  /** Also what needs no healthy app stops, for good. */
  end(): Promise<void>;
}

/** After so long without an app a warning is logged: until then it may just start slowly. */
const lateMs = 5000;

export function watchApp(
  app: AppChannel | undefined,
  inputs: Inputs,
  flags: Flags,
  log: Logger,
) {
  let isHealthy = false;
  let isBlocked = false;
  let isAwaited = true;
  const unhealthy = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();

  function onHealthy() {
    isHealthy = true;
    isAwaited = false;
    if (!isBlocked) reading.resolve(inputs.startReading());
  }

  function onUnhealthy() {
    isHealthy = false;
    if (isBlocked) unhealthy.resolve();
    void inputs.stopReading();
  }

  return {
    isHealthy: () => isHealthy,
    /** Whether its port is still waited for. With a health check that does not count. */
    isAwaited: () => isAwaited && !flags["enable-app-health-check"],
    /** Resolves once the app was healthy and all that it wants is read, or could not be at first. */
    reading: reading.promise,

    /** Resolves once the app listens. Its health is watched until the signal aborts. */
    async meet(signal: AbortSignal): Promise<void> {
      if (!app) return reading.resolve();
      const port = flags["app-port"];
      log.info(
        `application protocol: ${protocolOf(flags)}. waiting on port ${port}.  This will block until the app is listening on that port.`,
      );
      const late = setTimeout(
        () =>
          log.warn(
            `nothing listens on port ${port} after ${lateMs / 1000} s: the app has to listen on the port in its environment's APP_PORT, or --app-port be the app's; still waiting`,
          ),
        lateMs,
      ).unref();
      try {
        await app.whenListening(signal);
      } finally {
        clearTimeout(late);
      }
      signal.throwIfAborted();
      log.info(`application discovered on port ${port}`);
      if (!flags["enable-app-health-check"]) return onHealthy();
      void watchHealth(
        app,
        {
          path: flags["app-health-check-path"] || "/healthz",
          intervalMs: (flags["app-health-probe-interval"] || 5) * 1000,
          timeoutMs: flags["app-health-probe-timeout"] || 500,
          threshold: flags["app-health-threshold"] || 3,
        },
        (healthy, reason) => {
          if (healthy) {
            log.info("app is healthy: inputs start");
            onHealthy();
          } else {
            log.warn(
              isHealthy
                ? `app is unhealthy (${reason}): inputs stop`
                : `app is not healthy yet (${reason}): inputs wait`,
            );
            onUnhealthy();
          }
        },
        signal,
      );
    },

    /** Stops inputs for good. `appUnhealthy` resolves once the app is unhealthy, or if it never was healthy. */
    block(): { stopped: Promise<void>; appUnhealthy: Promise<void> } {
      isBlocked = true;
      if (app && !isHealthy) unhealthy.resolve();
      return {
        stopped: inputs.end(),
        appUnhealthy: unhealthy.promise,
      };
    },
  };
}
