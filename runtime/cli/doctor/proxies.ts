/** A proxy in the environment takes an app's calls of its own sidecar, which it can't reach. */
import { note, ok, warning, type Finding } from "./finding.ts";

const names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

export async function checkProxies(
  env: NodeJS.ProcessEnv = process.env,
): Promise<Finding[]> {
  const set = names.filter((name) => env[name]);
  if (set.length === 0) return [ok("No proxy is set")];
  const direct = (env["NO_PROXY"] || env["no_proxy"] || "")
    .split(",")
    .map((part) => part.trim().toLowerCase());
  const missing = ["localhost", "127.0.0.1"].filter(
    (host) => !direct.includes(host) && !direct.includes("*"),
  );
  if (missing.length === 0)
    return [note(`${set.join(", ")} is set; calls of this machine go past it`)];
  return [
    warning(
      `${set.join(", ")} is set, but NO_PROXY lacks ${missing.join(" and ")}: apps in Python, Go or curl send their sidecar's calls to the proxy`,
      `Set NO_PROXY=${[...direct.filter(Boolean), ...missing].join(",")} in this terminal.`,
    ),
  ];
}
