/** nameresolution.nameformat: an address made of the app's id (docs/protocol/name-resolution.md). */
import { MetadataError, text } from "../../contracts/metadata.ts";
import { defineNameResolver } from "../../contracts/name-resolver.ts";
import { isLabel, parseHostPort } from "../clients/host-port.ts";
import { ownNamespace } from "../../shared/namespace.ts";

const metadata = {
  format: text(
    "The address of a sidecar, with `{appid}` for its app: `dapr-{appid}.internal:50002`.",
    { required: true },
  ),
};

/** The port of the original's sidecars in a cluster. */
const defaultPort = 50_002;

export const nameformat = defineNameResolver(
  "nameresolution.nameformat",
  metadata,
  async ({ meta, env }) => {
    const own = ownNamespace(env);
    const addressOf = (appId: string) => {
      if (!isLabel(appId))
        throw new Error(
          `couldn't find service: ${JSON.stringify(appId)} can't be part of a host's name`,
        );
      const { host, port = defaultPort } = parseHostPort(
        meta.format.replaceAll("{appid}", () => appId),
      );
      return { host, port };
    };
    if (!meta.format.includes("{appid}"))
      throw new MetadataError("metadata 'format' does not contain {appid}");
    try {
      addressOf("app");
    } catch (error) {
      throw new MetadataError(`metadata 'format': ${(error as Error).message}`);
    }
    return {
      // The format has no place for a namespace. It would lead to the app of that name in this sidecar's own.
      resolve: async (appId, namespace) =>
        namespace === own ? addressOf(appId) : undefined,
      async close() {},
    };
  },
);
