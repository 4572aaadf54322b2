/** state.sqlite: an app's state in one file that several sidecars may share (docs/protocol/sqlite.md). */
import { dirname } from "node:path";
import { makeFolder } from "../../shared/files/make-folder.ts";
import {
  bool,
  duration,
  MetadataError,
  orNegative,
  text,
  type MetadataValues,
} from "../../contracts/metadata.ts";
import {
  defineStateStore,
  EtagError,
  type DeleteState,
  type SetState,
  type StateEntry,
  type StateStore,
} from "../../contracts/state-store.ts";
import { parseConnection } from "../clients/sqlite/connection.ts";
import {
  openStateFile,
  type StateClient,
} from "../clients/sqlite/state/client.ts";
import type { Outcome, StateWrite } from "../clients/sqlite/state/protocol.ts";
import { isOwnKey } from "../../contracts/state-keys.ts";
import { etagOf, expireTimeOf, mustBeFirst, ttlOf } from "../state-requests.ts";

const metadata = {
  connectionString: text(
    "The database: a path, from the folder the sidecar is started in, a `file:` URI, or `:memory:`; folders that are missing are made. `?_pragma=synchronous(NORMAL)` trades the safety of a power cut for speed, `?mode=ro` only reads, also from a disk that can't be written.",
    { required: true, missing: "missing connection string", aliases: ["url"] },
  ),
  timeout: duration(
    "A request that takes longer fails; 1s or more. Where the disk hangs a write may still be stored, and the answer says so.",
    {
      default: 20_000,
      aliases: ["timeoutInSeconds"],
    },
  ),
  busyTimeout: duration(
    "How long a write waits for another program's transaction, at most nine tenths of `timeout`; what is refused then is not stored. Reads go on meanwhile.",
    {
      default: 2000,
    },
  ),
  disableWAL: bool("No write-ahead log: for a file on a network disk.", {
    default: false,
  }),
  tableName: text("The table of the values: letters, digits and `_`.", {
    default: "state",
  }),
  metadataTableName: text("The table of what the sidecars note down.", {
    default: "metadata",
  }),
  cleanupInterval: duration(
    "How often expired values are removed, by one of the sidecars; 0 or less: never. They are invisible anyway.",
    { least: orNegative, default: 0, aliases: ["cleanupIntervalInSeconds"] },
  ),
};

export const sqlite = defineStateStore(
  "state.sqlite",
  metadata,
  async ({ meta, log }) => {
    checkSettings(meta);
    const connection = parseConnection(meta.connectionString);
    const { path, isReadOnly } = connection;
    if (path !== undefined && !isReadOnly) makeFolder(dirname(path));
    const client = await openStateFile({
      ...connection,
      // An acknowledged write survives a power cut, unless the user wants it otherwise.
      pragmas: [
        "PRAGMA synchronous = FULL",
        "PRAGMA journal_size_limit = 16777216",
        ...connection.pragmas,
      ],
      label: path ?? ":memory:",
      useWal: !meta.disableWAL,
      // A write that is refused because of a lock is reported in time, and surely not stored.
      busyTimeoutMs: Math.min(
        Math.max(0, meta.busyTimeout),
        meta.timeout * 0.9,
      ),
      table: meta.tableName,
      metadataTable: meta.metadataTableName,
      cleanupIntervalMs: isReadOnly ? 0 : Math.max(0, meta.cleanupInterval),
      timeoutMs: meta.timeout,
      onProblem: (problem) => log.warn(problem),
    });
    return storeOn(client);
  },
  { check: ({ meta }) => checkSettings(meta) },
);

/** Throws on what can't be. */
function checkSettings(meta: MetadataValues<typeof metadata>): void {
  if (meta.timeout < 1000)
    throw new MetadataError(
      "invalid value for 'timeout': must be greater than 1s",
    );
  for (const name of [meta.tableName, meta.metadataTableName])
    if (!/^\w+$/.test(name))
      throw new MetadataError(`invalid identifier: ${name}`);
}

function storeOn(client: StateClient): StateStore {
  const get = async (key: string) =>
    entryOf(await client.run({ op: "get", key }));
  const set = async (request: SetState) =>
    done(await client.run(setOf(request), sizeOf(request)));
  const remove = async (request: DeleteState) =>
    done(await client.run(deleteOf(request)));
  return {
    features: ["ETAG", "TRANSACTIONAL", "TTL", "KEYS_LIKE"],
    get: ({ key }) => get(key),
    async bulkGet(requests) {
      const keys = requests.map(({ key }) => key);
      const outcome = await client.run({ op: "gets", keys });
      if (outcome !== null && typeof outcome === "object" && "rows" in outcome)
        return outcome.rows.map(entryOf);
      done(outcome);
      return [];
    },
    set,
    bulkSet: (requests) =>
      Promise.all(requests.map((request) => set(request).catch(asError))),
    delete: remove,
    bulkDelete: (requests) =>
      Promise.all(requests.map((request) => remove(request).catch(asError))),
    async transact(operations) {
      if (operations.length === 0) return;
      const writes = operations.map((one) =>
        one.operation === "upsert" ? setOf(one.request) : deleteOf(one.request),
      );
      const bytes = operations.reduce(
        (sum, one) =>
          one.operation === "upsert" ? sum + sizeOf(one.request) : sum,
        0,
      );
      done(await client.run({ op: "multi", writes }, bytes));
    },
    async keys(prefix, after = "", limit) {
      const found = await client.run({ op: "list", prefix, after, limit });
      const isList =
        found !== null && typeof found === "object" && "listed" in found;
      const listed = isList ? found.listed : (done(found) ?? []);
      return {
        keys: listed.filter((key) => isOwnKey(key, prefix)),
        next: listed.length < limit ? null : listed.at(-1)!,
      };
    },
    close: () => client.close(),
  };
}

const asError = (error: Error) => error;

/** Counts UTF-16 units instead of bytes, as this only limits a queue. */
const sizeOf = ({ value }: SetState): number => value.length;

const setOf = (request: SetState): StateWrite => ({
  op: "set",
  key: request.key,
  value: request.value,
  ttl: ttlOf(request.metadata) ?? 0,
  etag: etagOf(request),
  first: mustBeFirst(request),
});

const deleteOf = (request: DeleteState): StateWrite => ({
  op: "delete",
  key: request.key,
  etag: etagOf(request),
});

function done(outcome: Outcome): undefined {
  if (outcome === null) return;
  if (outcome === "mismatch") throw new EtagError("mismatch");
  throw new Error((outcome as { error: string }).error);
}

function entryOf(outcome: Outcome): StateEntry | undefined {
  if (!Array.isArray(outcome)) return done(outcome);
  const [data, etag, expires] = outcome;
  if (expires === null) return { data, etag };
  const ttlExpireTime = expireTimeOf(
    Date.parse(`${expires.replace(" ", "T")}Z`),
  );
  return { data, etag, metadata: { ttlExpireTime } };
}
