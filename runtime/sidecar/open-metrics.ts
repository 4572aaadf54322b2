/** What this sidecar counts, and the port where Prometheus reads it. */
import { createGuard } from "../api/http/guard.ts";
import { listen, type HttpApi } from "../api/http/server.ts";
import type { Configuration } from "../contracts/configuration.ts";
import {
  createMetrics,
  type Metrics,
} from "../observability/metrics/metrics.ts";
import { compileRules } from "../observability/metrics/rules.ts";
import { isLoopback, parseAddresses, withPort } from "../shared/addresses.ts";
import { messageOf } from "../shared/message-of.ts";
import { givenNamespace } from "../shared/namespace.ts";
import { anyAddress, loopback } from "./addresses.ts";
import type { Flags } from "./flags.ts";
import { serverOptions } from "./open-apis.ts";
import type { SidecarOptions } from "./options.ts";

/** Undefined where flag or Configuration switch metrics off. Rejects on a rule whose pattern is none. */
export async function createSidecarMetrics(
  { flags, env, log }: SidecarOptions,
  { metrics: settings }: Configuration,
): Promise<Metrics | undefined> {
  if (!flags["enable-metrics"] || settings.enabled === false) return undefined;
  const metrics = createMetrics({
    appId: flags["app-id"],
    namespace: givenNamespace(env),
    settings,
    ...(settings.rules ? { rewrites: await compileRules(settings.rules) } : {}),
  });
  for (const unknown of metrics.unknownLabels)
    log.warn(
      `spec.metrics.rules: there is no ${unknown}: its rule has no effect`,
    );
  return metrics;
}

/** Answers any path, without a token. A taken port is an error. */
export async function openMetricsPort(
  options: SidecarOptions,
  metrics: Metrics,
): Promise<HttpApi> {
  const { flags, env, log } = options;
  const addresses = metricsAddresses(flags);
  const isOpen = addresses.some((one) => !isLoopback(one));
  try {
    const api = await listen(addresses, flags["metrics-port"], {
      ...serverOptions(options),
      refuseTaken: true,
      routes: [],
      guard: createGuard({
        allowedOrigins: "",
        allowedHosts: env["DAPR_ALLOWED_HOSTS"] ?? (isOpen ? "*" : ""),
        allowRemoteShutdown: true,
      }),
      fallback: async () => ({ status: 200, ...(await metrics.text()) }),
    });
    const told = api.addresses.map(({ address, port }) =>
      withPort(address, port),
    );
    log.info(`metrics server started on ${told.join(", ")}`);
    return api;
  } catch (error) {
    throw new Error(
      `metrics: ${messageOf(error)} with --metrics-port, or start with --enable-metrics=false`,
      { cause: error },
    );
  }
}

function metricsAddresses(flags: Flags): string[] {
  const given = parseAddresses(flags["metrics-listen-address"]);
  if (given.length > 0) return given;
  // Prometheus calls the pod's address.
  return flags.mode === "kubernetes" ? [anyAddress] : loopback;
}
