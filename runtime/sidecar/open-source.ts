/** Where resources come from. */
import { openFolders } from "../resources/folders/source.ts";
import type { ResourceSource } from "../resources/source.ts";
import type { SidecarOptions } from "./options.ts";

/** The operator in a cluster, else folders. */
export async function openSource({
  flags,
  env,
  log,
  signal,
}: SidecarOptions): Promise<ResourceSource> {
  const appId = flags["app-id"];
  if (flags.mode !== "kubernetes")
    return openFolders({
      appId,
      folders: [...flags["resources-path"], ...flags["components-path"]],
      configurationFiles: flags.config,
      relistMs: flags["hot-reload-reconcile-interval"] || 60_000,
      env,
      log,
      signal,
    });
  const { openOperatorSource } =
    await import("../resources/operator/source.ts");
  return openOperatorSource({
    appId,
    address: flags["control-plane-address"],
    configurationName: flags.config[0],
    withoutBuiltInStore: flags["disable-builtin-k8s-secret-store"],
    env,
    log,
    signal,
  });
}
