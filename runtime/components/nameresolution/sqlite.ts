/** nameresolution.sqlite: sidecars that share a SQLite file, the original's among them (docs/protocol/name-resolution.md). */
import { messageOf } from "../../shared/message-of.ts";
import {
  bool,
  duration,
  MetadataError,
  orNegative,
  text,
} from "../../contracts/metadata.ts";
import {
  defineNameResolver,
  type Peer,
} from "../../contracts/name-resolver.ts";
import { parseConnection } from "../clients/sqlite/connection.ts";
import { HostsTable } from "../clients/sqlite/hosts.ts";
import { startInterval } from "../../shared/timers.ts";
import { ownNamespace } from "../../shared/namespace.ts";

const metadata = {
  connectionString: text(
    "The database: a path, from the folder the sidecar was started in, or a file: URI.",
    { required: true, missing: "missing connection string", aliases: ["url"] },
  ),
  tableName: text("The table of the sidecars.", { default: "hosts" }),
  metadataTableName: text("The table of what the sidecars note down.", {
    default: "metadata",
  }),
  timeout: duration("A request that takes longer fails.", {
    default: 1000,
    aliases: ["timeoutInSeconds"],
  }),
  busyTimeout: duration("How long to wait for another program's transaction.", {
    default: 800,
  }),
  disableWAL: bool("No write-ahead log: for a file on a network disk.", {
    default: false,
  }),
  updateInterval: duration(
    "How old a sidecar's row may be, in whole seconds; it is renewed before.",
    { default: 5000 },
  ),
  cleanupInterval: duration(
    "How often rows of sidecars that are gone are removed, by one of them; 0 or less: never.",
    {
      least: orNegative,
      default: 3_600_000,
      aliases: ["cleanupIntervalInSeconds"],
    },
  ),
};

/** How long an answer is used without a look at the file. */
const believedMs = 1000;

interface Known {
  peers: Peer[];
  untilMs: number;
}

export const sqlite = defineNameResolver(
  "nameresolution.sqlite",
  metadata,
  async ({ meta, env, log }) => {
    const own = ownNamespace(env);
    for (const name of [meta.tableName, meta.metadataTableName])
      if (!/^\w+$/.test(name))
        throw new MetadataError(`invalid identifier for table name: ${name}`);
    if (meta.updateInterval % 1000 !== 0)
      throw new MetadataError(
        "update interval must not contain fractions of seconds",
      );
    if (meta.updateInterval - meta.timeout < 1000)
      throw new MetadataError(
        "update interval must be at least 1s greater than timeout",
      );
    const connection = parseConnection(meta.connectionString);
    if (connection.path === undefined)
      log.warn(
        "name resolution with a SQLite database in memory: this sidecar will find no other",
      );
    const table = await HostsTable.open({
      connection,
      useWal: !meta.disableWAL,
      table: meta.tableName,
      metadataTable: meta.metadataTableName,
      updateIntervalMs: meta.updateInterval,
      busyTimeoutMs: Math.min(meta.busyTimeout, meta.timeout),
      onLost: (path) =>
        log.error(
          `the SQLite file ${path} was removed or replaced while in use: it is opened anew and this sidecar's row written again; others are found once they do the same, within ${meta.updateInterval / 1000} s`,
        ),
    });

    const known = new Map<string, Known>();
    const timers: NodeJS.Timeout[] = [];
    const every = (ms: number, what: string, step: () => Promise<unknown>) =>
      timers.push(
        startInterval(() => {
          step().catch((error: unknown) =>
            log.error(`${what}: ${messageOf(error)}`),
          );
        }, ms).unref(),
      );
    if (meta.cleanupInterval > 0)
      every(meta.cleanupInterval, "failed to remove old hosts", () =>
        table.sweep(meta.cleanupInterval),
      );

    return {
      async register(self) {
        await table.add(self);
        every(
          meta.updateInterval - meta.timeout,
          "failed to update the host's registration",
          async () => {
            if (!(await table.renew()))
              log.warn("the host's registration was lost and is written again");
          },
        );
      },
      async resolve(appId, namespace) {
        const key = keyOf(appId, namespace);
        let app = known.get(key);
        if (!app || app.untilMs <= performance.now()) {
          const peers = await table.find(appId, namespace, namespace === own);
          app = { peers, untilMs: performance.now() + believedMs };
          if (peers.length > 0) known.set(key, app);
          else known.delete(key);
        }
        // At random, so that callers do not all begin with the same one.
        return app.peers[Math.floor(Math.random() * app.peers.length)];
      },
      forget(appId, namespace, peer) {
        const key = keyOf(appId, namespace);
        const app = known.get(key);
        if (!app) return;
        const left = app.peers.filter((other) => other !== peer);
        if (left.length > 0) app.peers = left;
        else known.delete(key);
      },
      async close() {
        for (const timer of timers) clearInterval(timer);
        await table.close();
      },
    };
  },
);

const keyOf = (appId: string, namespace: string) => `${namespace} ${appId}`;
