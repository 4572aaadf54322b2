/**
 * state.redis: a hash per key, written by one atomic script
 * (docs/protocol/redis.md). Data written by the original is read here and the other way round.
 */
import { keyPrefix } from "../../../contracts/state-keys.ts";
import { number, orNegative, text } from "../../../contracts/metadata.ts";
import {
  defineStateStore,
  EtagError,
  type DeleteState,
  type SetState,
  type StateFeature,
  type StateOperation,
  type StateStore,
} from "../../../contracts/state-store.ts";
import {
  openRedis,
  type RedisArgument,
  type RedisClient,
  type RedisScript,
} from "../../clients/redis/client.ts";
import { redisMetadata, redisServer } from "../../clients/redis/settings.ts";
import { silent } from "../../clients/redis/silent.ts";
import { redisSlot } from "../../clients/redis/slot.ts";
import { etagOf, ttlOf } from "../../state-requests.ts";
import { learn, type RedisFacts } from "./facts.ts";
import { parseIndexes, toResult, toSearch } from "./query.ts";
import { scan } from "./scan.ts";
import { readAll, readDocument, readHash } from "./read.ts";
import {
  deleteDocument,
  deleteHash,
  refused,
  setDocument,
  setHash,
} from "./scripts.ts";
import { strongWrites, type StrongWrites } from "./strong.ts";
import { givenNamespace } from "../../../shared/namespace.ts";

const metadata = {
  ...redisMetadata,
  ttlInSeconds: number(
    "Seconds to live of what names no TTL of its own; -1: it stays for ever.",
    {
      least: orNegative,
    },
  ),
  queryIndexes: text(
    "JSON of the query API's indexes: [{name, indexes: [{key, type}]}].",
  ),
};

export const redis = defineStateStore(
  "state.redis",
  metadata,
  async ({ name, appId, env, items, meta, log }) => {
    const server = redisServer(meta, log);
    const namespace = givenNamespace(env);
    const indexes = parseIndexes(
      meta.queryIndexes,
      keyPrefix(items, { appId, namespace, store: name }),
    );
    const facts: RedisFacts = {
      hasJson: false,
      replicas: 0,
      hasIndexes: false,
      maySave: undefined,
    };
    const client = await openRedis({
      server,
      log,
      prepare: (call) => learn(call, facts, indexes, log),
    });
    const strong = strongWrites({
      open: () => openRedis({ server, log: silent, prepare: async () => {} }),
      replicas: () => facts.replicas,
      waitMs: 1000,
    });
    return openStore(client, facts, strong, {
      isCluster: server.kind === "cluster",
      ttl: meta.ttlInSeconds,
      query: async (query, { queryIndexName }, prefix) => {
        if (!facts.hasJson)
          throw new Error("the query API needs RedisJSON in the server");
        if (!queryIndexName)
          throw new Error(
            "query index not found: give metadata.queryIndexName",
          );
        const index = indexes.find(({ name }) => name === queryIndexName);
        if (!index)
          throw new Error(`query index schema "${queryIndexName}" not found`);
        const reply = await client.call("FT.SEARCH", ...toSearch(index, query));
        return toResult(reply, query, prefix);
      },
    });
  },
  { check: ({ meta, log }) => void redisServer(meta, log) },
);

interface StoreOptions {
  isCluster: boolean;
  /** Seconds, for requests that name none. */
  ttl: number | undefined;
  query: NonNullable<StateStore["query"]>;
}

const plain: StateFeature[] = ["ETAG", "TRANSACTIONAL", "TTL", "KEYS_LIKE"];

function openStore(
  client: RedisClient,
  facts: RedisFacts,
  strong: StrongWrites,
  options: StoreOptions,
): StateStore {
  /** RedisJSON is used if the request says so and the server has it. */
  const isDocument = (metadata: Record<string, string>) =>
    facts.hasJson && metadata["contentType"] === "application/json";

  function toSet(
    request: SetState,
    asDocument = isDocument(request.metadata),
  ): [RedisScript, RedisArgument[]] {
    const { options: wanted, metadata } = request;
    return [
      asDocument ? setDocument : setHash,
      [
        versionOf(request),
        asDocument ? documentOf(request) : bytesOf(request.value),
        wanted?.concurrency === "first-write" ? "1" : "0",
        `${ttlOf(metadata, -Infinity) ?? options.ttl ?? ""}`,
      ],
    ];
  }

  /** Runs a script, and waits for the replicas if that is wanted. */
  function write(
    request: SetState | DeleteState,
    script: RedisScript,
    args: RedisArgument[],
  ): Promise<unknown> {
    const isStrong =
      request.options?.consistency === "strong" && facts.replicas > 0;
    return isStrong
      ? strong.run((own) => own.run(script, request.key, ...args))
      : client.run(script, request.key, ...args);
  }

  const read = (key: string, metadata: Record<string, string>) =>
    isDocument(metadata) ? readDocument(client, key) : readHash(client, key);

  return {
    get features() {
      return facts.hasJson ? [...plain, "QUERY_API" as const] : plain;
    },
    // In a cluster one script can't read the keys of several servers, nor one cursor list them.
    ...(options.isCluster
      ? {}
      : {
          bulkGet: (requests) =>
            requests.some(({ metadata }) => isDocument(metadata))
              ? Promise.all(
                  requests.map(({ key, metadata }) =>
                    read(key, metadata).catch((error: Error) => error),
                  ),
                )
              : readAll(
                  client,
                  requests.map(({ key }) => key),
                ),
          keys: (prefix, after, limit) => scan(client, prefix, after, limit),
        }),
    get: ({ key, metadata }) => read(key, metadata),
    async set(request) {
      const [script, args] = toSet(request);
      const reply = await write(request, script, args);
      if (reply === refused) throw refusal(request);
    },
    async delete(request) {
      const script = isDocument(request.metadata) ? deleteDocument : deleteHash;
      const reply = await write(request, script, [versionToDelete(request)]);
      if (reply === refused) throw new EtagError("mismatch");
    },
    async transact(operations, metadata) {
      if (operations.length === 0) return;
      if (options.isCluster) mustShareSlot(operations);
      const allDocuments = isDocument(metadata);
      const commands = operations.map((one): [string, ...RedisArgument[]] => {
        const { request } = one;
        const asDocument = allDocuments || isDocument(request.metadata);
        if (one.operation === "delete") {
          const { text } = asDocument ? deleteDocument : deleteHash;
          return ["eval", text, 1, request.key, versionToDelete(request)];
        }
        const [{ text }, args] = toSet(withoutGuard(one.request), asDocument);
        return ["eval", text, 1, request.key, ...args];
      });
      const replies = await client.transaction(commands);
      replies.forEach((reply, i) => {
        if (reply instanceof Error) throw reply;
        if (reply === refused) throw refusal(operations[i]!.request);
      });
    },
    query: options.query,
    async close() {
      await strong.close();
      await client.close();
    },
  };
}

/** The etag for a script; "0" if none was given, or with last-write. Throws an {@link EtagError} if it is no number. */
function versionOf(request: SetState): string {
  const etag = etagOf(request);
  if (etag === undefined || request.options?.concurrency === "last-write")
    return "0";
  mustBeNumber(etag);
  return `${BigInt(etag)}`;
}

/** The etag for a script, as it was sent; "0" if none was given. Throws an {@link EtagError} if it is no number. */
function versionToDelete(request: DeleteState): string {
  const etag = etagOf(request);
  if (etag === undefined) return "0";
  mustBeNumber(etag);
  return etag;
}

function mustBeNumber(etag: string) {
  if (!/^[+-]?\d{1,19}$/.test(etag))
    throw new EtagError("invalid", new Error(`"${etag}" is not a number`));
}

const bytesOf = (value: SetState["value"]): string | Buffer =>
  typeof value === "string"
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);

function documentOf({ key, value }: SetState): string {
  const json = bytesOf(value).toString();
  try {
    JSON.parse(json);
  } catch (error) {
    throw new Error(`the value of ${key} is not JSON`, { cause: error });
  }
  return `{"data":${json}}`;
}

/** First-write does not count in a transaction; last-write does. */
const withoutGuard = (request: SetState): SetState =>
  request.options?.concurrency === "first-write"
    ? { ...request, options: {} }
    : request;

const refusal = (request: SetState | DeleteState): Error =>
  new EtagError(
    "mismatch",
    etagOf(request) === undefined
      ? new Error(
          `failed to set key ${request.key}: it was stored with first-write, so a write needs its etag`,
        )
      : undefined,
  );

function mustShareSlot(operations: StateOperation[]) {
  const slots = new Set(
    operations.map(({ request }) => redisSlot(request.key)),
  );
  if (slots.size > 1)
    throw new Error(
      "a redis cluster can't change keys of different hash slots in one transaction: put the same {tag} into all its keys",
    );
}
