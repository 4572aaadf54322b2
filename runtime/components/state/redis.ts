/**
 * state.redis: a hash per key, written by one atomic script (spec components
 * §3.1). Data written by the original is read here and the other way round.
 */
import { number, text } from "../../metadata.ts";
import {
  defineStateStore,
  EtagError,
  type DeleteState,
  type SetState,
  type StateEntry,
  type StateFeature,
  type StateOperation,
  type StateStore,
} from "../../state-store.ts";
import {
  openRedis,
  type RedisArgument,
  type RedisClient,
  type RedisScript,
} from "../clients/redis-client.ts";
import { redisMetadata, redisServer } from "../clients/redis-settings.ts";
import { redisSlot } from "../clients/redis-slot.ts";
import { etagOf, ttlOf } from "../state-requests.ts";
import { learn, type RedisFacts } from "./redis-facts.ts";
import { parseIndexes, toResult, toSearch } from "./redis-query.ts";
import {
  deleteDocument,
  deleteHash,
  refused,
  setDocument,
  setHash,
} from "./redis-scripts.ts";

const metadata = {
  ...redisMetadata,
  ttlInSeconds: number("Seconds to live of what names no TTL of its own."),
  queryIndexes: text(
    "JSON of the query API's indexes: [{name, indexes: [{key, type}]}].",
  ),
};

export const redis = defineStateStore(
  "state.redis",
  ["v1"],
  metadata,
  async ({ meta, log }) => {
    const server = redisServer(meta, log);
    const indexes = parseIndexes(meta.queryIndexes);
    const facts: RedisFacts = {
      hasJson: false,
      replicas: 0,
      hasIndexes: false,
    };
    const client = await openRedis({
      server,
      log,
      prepare: (call) => learn(call, facts, indexes, log),
    });
    return openStore(client, facts, {
      isCluster: server.kind === "cluster",
      ttl: meta.ttlInSeconds,
      query: async (query, { queryIndexName }) => {
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
        return toResult(reply, query);
      },
    });
  },
);

interface StoreOptions {
  isCluster: boolean;
  /** Seconds, where a request names none. */
  ttl: number | undefined;
  query: NonNullable<StateStore["query"]>;
}

const plain: StateFeature[] = ["ETAG", "TRANSACTIONAL", "TTL", "KEYS_LIKE"];
const waitForReplicasMs = 1000;

function openStore(
  client: RedisClient,
  facts: RedisFacts,
  options: StoreOptions,
): StateStore {
  /** RedisJSON is used where the request says so and the server has it. */
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

  async function confirm(request: SetState | DeleteState) {
    if (request.options?.consistency === "strong" && facts.replicas > 0)
      await client.call("WAIT", facts.replicas, waitForReplicasMs);
  }

  return {
    get features() {
      return facts.hasJson ? [...plain, "QUERY_API" as const] : plain;
    },
    async get({ key, metadata }) {
      return isDocument(metadata)
        ? readDocument(client, key)
        : readHash(client, key);
    },
    async set(request) {
      const [script, args] = toSet(request);
      const reply = await client.run(script, request.key, ...args);
      if (reply === refused) throw refusal(request);
      if (request.options?.consistency) await confirm(request);
    },
    async delete(request) {
      const script = isDocument(request.metadata) ? deleteDocument : deleteHash;
      const etag = etagOf(request) ?? "0";
      const reply = await client.run(script, request.key, etag);
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
          return ["eval", text, 1, request.key, etagOf(request) ?? "0"];
        }
        // First-write does not count in a transaction (spec components §3.1).
        const set = { ...one.request, options: {} };
        const [{ text }, args] = toSet(set, asDocument);
        return ["eval", text, 1, request.key, ...args];
      });
      const replies = await client.transaction(commands);
      replies.forEach((reply, i) => {
        if (reply instanceof Error) throw reply;
        if (reply === refused) throw refusal(operations[i]!.request);
      });
    },
    query: options.query,
    close: () => client.close(),
  };
}

/** "0" where no etag counts: none was given, or last-write. Throws {@link EtagError} on one that is no number. */
function versionOf(request: SetState): string {
  const etag = etagOf(request);
  if (etag === undefined || request.options?.concurrency === "last-write")
    return "0";
  if (!/^[+-]?\d{1,19}$/.test(etag))
    throw new EtagError("invalid", new Error(`"${etag}" is not a number`));
  return `${BigInt(etag)}`;
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

const refusal = (request: SetState | DeleteState): Error =>
  etagOf(request) === undefined
    ? new Error(
        `failed to set key ${request.key}: it was stored with first-write, so a write needs its etag`,
      )
    : new EtagError("mismatch");

async function readHash(
  client: RedisClient,
  key: string,
  isAgain = false,
): Promise<StateEntry | undefined> {
  let fields;
  try {
    fields = await client.hmget(key, "data", "version");
  } catch (error) {
    // Somebody's plain string is given as it is (spec components §3.1).
    if (!(error as Error).message.startsWith("WRONGTYPE")) throw error;
    const data = (await client.call("GET", key)) as Buffer | null;
    return data ? { data } : undefined;
  }
  const [data, version] = fields as [Buffer | null, Buffer | null];
  if (data && version) return { data, etag: version.toString("latin1") };
  if (!data && !version && (await client.call("HLEN", key)) === 0)
    return undefined;
  // Written between the two commands, or a hash that is no state.
  if (!isAgain) return readHash(client, key, true);
  throw new Error("required hash field 'data' or 'version' was not found");
}

async function readDocument(
  client: RedisClient,
  key: string,
): Promise<StateEntry | undefined> {
  const text = (await client.call("JSON.GET", key)) as Buffer | null;
  if (!text) return undefined;
  const { data, version } = JSON.parse(text.toString());
  return {
    data: JSON.stringify(data ?? null),
    ...(version === undefined ? {} : { etag: `${version}` }),
  };
}

function mustShareSlot(operations: StateOperation[]) {
  const slots = new Set(
    operations.map(({ request }) => redisSlot(request.key)),
  );
  if (slots.size > 1)
    throw new Error(
      "a redis cluster can't change keys of different hash slots in one transaction: put the same {tag} into all its keys",
    );
}
