/** The app's channel, as the flags describe it. */
import { createHttpChannel } from "../app/http/channel.ts";
import type { Flags } from "./flags.ts";
import type { SidecarOptions } from "./options.ts";
import type { Policies } from "./policies/policies.ts";

/** With TLS where `--app-ssl` wants it: the older way to say https or grpcs. */
export function protocolOf(flags: Flags): string {
  const protocol = flags["app-protocol"];
  const isPlain = protocol === "http" || protocol === "grpc";
  return flags["app-ssl"] && isPlain ? `${protocol}s` : protocol;
}

export async function openApp(
  { flags, env, log }: SidecarOptions,
  policies: Policies,
) {
  const protocol = protocolOf(flags);
  if (flags["app-port"] <= 0) {
    log.warn("App channel is not initialized. Did you configure an app-port?");
    return undefined;
  }
  const options = {
    appId: flags["app-id"],
    address: flags["app-channel-address"],
    port: flags["app-port"],
    maxConcurrency: flags["app-max-concurrency"],
    maxBodyBytes: flags["max-body-size"],
    apiToken: env["APP_API_TOKEN"],
    log,
  };
  switch (protocol) {
    case "http":
    case "https":
    case "h2c":
      return policies.app.http(
        await createHttpChannel({ protocol, ...options }),
      );
    case "grpc":
    case "grpcs": {
      // Loaded only for apps that speak it.
      const { createGrpcChannel } = await import("../app/grpc/channel.ts");
      const onGrpcCall = policies.onGrpcSent;
      return policies.app.grpc(
        createGrpcChannel({ protocol, onGrpcCall, ...options }),
      );
    }
    default:
      throw new Error(`there is no app-protocol "${protocol}"`);
  }
}
