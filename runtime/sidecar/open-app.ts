/** The app's channel, as the flags describe it. */
import { createHttpChannel } from "../app/http/channel.ts";
import type { Flags } from "./flags.ts";
import type { SidecarOptions } from "./options.ts";

export const protocolOf = (flags: Flags) =>
  flags["app-ssl"] && flags["app-protocol"] === "http"
    ? "https"
    : flags["app-protocol"];

export async function openApp({ flags, env, log }: SidecarOptions) {
  const protocol = protocolOf(flags);
  if (flags["app-port"] <= 0) {
    log.warn("App channel is not initialized. Did you configure an app-port?");
    return undefined;
  }
  if (protocol !== "http" && protocol !== "https" && protocol !== "h2c")
    throw new Error(
      `app-protocol "${protocol}" is not available: this version of the sidecar calls apps over http, https or h2c`,
    );
  return createHttpChannel({
    protocol,
    address: flags["app-channel-address"],
    port: flags["app-port"],
    maxConcurrency: flags["app-max-concurrency"],
    maxBodyBytes: flags["max-body-size"],
    apiToken: env["APP_API_TOKEN"],
    log,
  });
}
