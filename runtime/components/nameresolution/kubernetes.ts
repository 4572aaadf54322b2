/** nameresolution.kubernetes: the Service `APP-ID-dapr` that the operator makes, by the cluster's DNS (docs/protocol/kubernetes.md). */
import { lookup } from "node:dns/promises";
import { messageOf } from "../../shared/message-of.ts";
import { MetadataError, text } from "../../contracts/metadata.ts";
import {
  defineNameResolver,
  type Peer,
} from "../../contracts/name-resolver.ts";
import { createAvoidedPeers } from "../clients/avoided-peers.ts";
import { isLabel, parseHostPort } from "../clients/host-port.ts";

const metadata = {
  clusterDomain: text("The cluster's domain.", { default: "cluster.local" }),
  template: text(
    "Where a sidecar is, instead of its Service: `{{.ID}}-dapr.{{.Namespace}}.svc.example.org:{{.Port}}`. The port may be left out.",
  ),
};

/** How long an answer is believed; as in the original. */
const rememberMs = 20_000;
const defaultPort = 50_002;

interface Known {
  peers: Promise<Peer[]>;
  untilMs: number;
}

export const kubernetes = defineNameResolver(
  "nameresolution.kubernetes",
  metadata,
  async ({ meta }) => {
    const known = new Map<string, Known>();
    const avoided = createAvoidedPeers();
    /** This sidecar's internal port. No record tells the port of others, so it is taken to be the same. */
    let port = defaultPort;
    const addressOf = (appId: string, namespace: string): Peer => {
      if (!meta.template)
        // The dot at the end avoids four more questions for the names of the pod's search list.
        return {
          host: `${appId}-dapr.${namespace}.svc.${meta.clusterDomain}.`,
          port,
        };
      const address = parseHostPort(
        fill(meta.template, { ID: appId, Namespace: namespace, Port: port }),
      );
      return { host: address.host, port: address.port ?? port };
    };
    // A wrong template is reported now, not with the first call.
    if (meta.template) addressOf("app", "default");

    async function find(appId: string, namespace: string): Promise<Peer[]> {
      if (!isLabel(appId) || !isLabel(namespace))
        throw new Error(
          `couldn't find service: ${appId}: no Service can be named by it`,
        );
      const { host, port: at } = addressOf(appId, namespace);
      try {
        const found = await lookup(host, { all: true });
        return found.map(({ address }) => ({ host: address, port: at }));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw new Error(
          code === "ENOTFOUND"
            ? `couldn't find service: ${appId}: no pod that is ready stands behind ${host.replace(/\.$/, "")}`
            : `couldn't find service: ${appId}: ${messageOf(error)}`,
          { cause: error },
        );
      }
    }

    return {
      async register(self) {
        port = self.port;
      },
      async resolve(appId, namespace) {
        const key = `${appId}.${namespace}`;
        let entry = known.get(key);
        if (!entry || entry.untilMs < performance.now()) {
          const peers = find(appId, namespace);
          entry = { peers, untilMs: performance.now() + rememberMs };
          known.set(key, entry);
          // A name that does not exist may exist the next moment.
          peers.catch(() => known.delete(key));
        }
        const all = await entry.peers;
        // DNS may still list a pod that is ending.
        const rest = all.filter((peer) => !avoided.has(peer));
        const peers = rest.length > 0 ? rest : all;
        return peers[Math.floor(Math.random() * peers.length)];
      },
      forget(appId, namespace, peer) {
        avoided.add(peer);
        known.delete(`${appId}.${namespace}`);
      },
      async close() {},
    };
  },
);

/** `{{.NAME}}`, as the original's templates are written. Throws on any other action. */
function fill(template: string, values: Record<string, string | number>) {
  return template.replace(/\{\{([^{}]*)\}\}/g, (action, inner: string) => {
    const name = inner.trim();
    const value = name.startsWith(".") ? values[name.slice(1)] : undefined;
    if (value === undefined)
      throw new MetadataError(
        `metadata 'template': ${action} is not one of ${Object.keys(values)
          .map((known) => `{{.${known}}}`)
          .join(", ")}`,
      );
    return String(value);
  });
}
