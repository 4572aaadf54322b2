/** Whether this sidecar may be watched, by whom, and what tells them. */
import { WatchHub } from "../observability/watch/hub.ts";
import type { SidecarOptions } from "./options.ts";

/** A shorter token might be guessed. */
const leastChars = 32;

export function openWatch({
  env,
  log,
}: SidecarOptions): { token: string; hub: WatchHub } | undefined {
  const token = env["DAPR_WATCH_TOKEN"];
  if (!token) return undefined;
  if (token.length >= leastChars) return { token, hub: new WatchHub() };
  log.warn(
    `DAPR_WATCH_TOKEN has fewer than ${leastChars} characters, so nobody can watch this sidecar: give it a random text, or start it by \`dapr run\`, which makes one`,
  );
  return undefined;
}
