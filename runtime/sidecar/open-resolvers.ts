/** How other apps are found. */
import { nameResolvers } from "../components/index.ts";
import { openComponent } from "../components/open.ts";
import type { Configuration } from "../contracts/configuration.ts";
import { messageOf } from "../shared/message-of.ts";
import type { Flags } from "./flags.ts";
import type { NameResolver } from "../contracts/name-resolver.ts";
import type { SidecarOptions } from "./options.ts";

/**
 * The resolvers, in the order in which they are asked: the Configuration's one, or
 * the default. If one can't be opened that is only logged, as in the original.
 */
export async function openResolvers(
  { nameResolution }: Configuration,
  { flags, env, log }: SidecarOptions,
): Promise<NameResolver[]> {
  const wanted = nameResolution
    ? [nameResolution]
    : usualResolvers(flags).map((component) => ({
        component,
        version: "v1",
        configuration: [],
        at: undefined,
      }));
  const resolvers: NameResolver[] = [];
  for (const entry of wanted) {
    const type = `nameresolution.${entry.component.toLowerCase()}`;
    try {
      const { component: resolver } = await openComponent(
        {
          name: entry.component,
          type,
          version: entry.version,
          metadata: entry.configuration,
          ignoreErrors: true,
          initTimeoutMs: 5000,
          scopes: [],
          at: entry.at,
        },
        nameResolvers,
        { appId: flags["app-id"], env, log },
      );
      resolvers.push(resolver);
    } catch (error) {
      log.warn(`name resolution ${type} is not available: ${messageOf(error)}`);
    }
  }
  if (resolvers.length > 0)
    log.info(
      `Initialized name resolution to ${wanted.map(({ component }) => component).join(", ")}`,
    );
  return resolvers;
}

/** The default without a Configuration. In a cluster it is the cluster's DNS; else the local registry for sidecars of this kit, and mDNS for the original's. */
const usualResolvers = ({ mode }: Flags) =>
  mode === "kubernetes" ? ["kubernetes"] : ["local", "mdns"];
