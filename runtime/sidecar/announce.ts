/** The first lines of a sidecar's log. */
import { daprVersion, version } from "../shared/version.ts";
import type { SidecarOptions } from "./options.ts";

export function announce({ flags, env, log }: SidecarOptions): void {
  log.info(
    `Starting Dapr Runtime -- version ${daprVersion} -- commit ts-${version}`,
  );
  log.info(`Log level set to: ${flags["log-level"]}`);
  log.warn("mTLS is disabled. Skipping certificate request and tls validation");
  if (flags.config.length === 0) log.info("loading default configuration");
  log.info(`${flags.mode} mode configured`);
  log.info(`app id: ${flags["app-id"]}`);
  // From the injector, whose own log few users look at.
  const warnings = env["DAPR_ANNOTATION_WARNINGS"]?.split("\n") ?? [];
  for (const warning of warnings) log.warn(warning);
}
