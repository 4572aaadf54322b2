/** state.redis on a real server: the contract of every state store, and what only Redis has. */
import { stateStores } from "../../runtime/components/index.ts";
import type { StateStore } from "../../runtime/contracts/state-store.ts";
import { stateContract } from "../contracts/state-contract.ts";
import { openBuiltIn } from "../contracts/open-component.ts";
import type { StateSetup } from "../contracts/state-harness.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";

let redis: RedisContainer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

stateContract(
  "state.redis",
  async (): Promise<StateSetup> => {
    await redis.admin.flushall();
    return {
      metadata: { redisHost: redis.address },
      bad: [
        { metadata: { redisHost: "" }, error: "missing redisHost" },
        { metadata: { enableTLS: "yes" }, error: /'enableTLS': "yes"/ },
        { metadata: { redisPort: "1" }, error: /different ports/ },
        { metadata: { failover: "true" }, error: /sentinelMasterName/ },
        {
          metadata: { redisPassword: "x", redisUsername: "nobody" },
          error: /error connecting to redis at .*WRONGPASS/,
        },
        { metadata: { redisDB: "99" }, error: /DB index is out of range/ },
        { metadata: { queryIndexes: "{" }, error: /query index schema/ },
        { metadata: { redisType: "cluster" }, error: /cluster support/ },
        {
          metadata: { failover: "true", sentinelMasterName: "orders" },
          error: /unknown command 'sentinel'/,
        },
      ],
    };
  },
  {
    etagOnMissing: "stores",
    deleteEtagOnMissing: "passes",
    foreignEtag: "invalid",
    firstWriteOnExisting: "guards",
    lastWriteIgnoresEtag: true,
    setEndsTtl: false,
    tellsExpiry: false,
    rollsBack: false,
    persists: true,
  },
);

describe("state.redis", () => {
  let store: StateStore;
  const open = (metadata: Record<string, string> = {}) =>
    openBuiltIn(stateStores, "state.redis", {
      metadata: { redisHost: redis.address, ...metadata },
    });
  const get = (key: string) => store.get({ key, metadata: {} });
  const set = (key: string, value: string, more = {}) =>
    store.set({ key, value, metadata: {}, ...more });

  beforeEach(async () => {
    await redis.admin.flushall();
    store = await open();
  });
  afterEach(() => store.close());

  test("writes the original's fields: data, version, and first-write for a guarded key", async () => {
    await set("app||a", '{"n":1}');
    await set("app||a", '{"n":2}');
    expect(await redis.admin.hgetall("app||a")).toEqual({
      data: '{"n":2}',
      version: "2",
    });
    await set("app||b", "1", { options: { concurrency: "first-write" } });
    expect(await redis.admin.hgetall("app||b")).toEqual({
      data: "1",
      version: "1",
      "first-write": "0",
    });
  });

  test("reads what the original wrote", async () => {
    await redis.admin.hset("app||a", { data: '"x"', version: "41" });
    expect(await get("app||a")).toEqual({
      data: Buffer.from('"x"'),
      etag: "41",
    });
    await set("app||a", "2", { etag: "41" });
    expect((await get("app||a"))?.etag).toBe("42");
  });

  test("a plain string is read as it is; a save replaces it, and also a value of another type, which is an error before", async () => {
    await redis.admin.set("app||plain", "hello");
    expect(await get("app||plain")).toEqual({ data: Buffer.from("hello") });
    await set("app||plain", "1");
    expect((await get("app||plain"))?.etag).toBe("1");
    await redis.admin.rpush("app||list", "a");
    await expect(get("app||list")).rejects.toThrow("WRONGTYPE");
    await store.delete({ key: "app||list", metadata: {} });
    expect(await get("app||list")).toBeUndefined();
    await redis.admin.rpush("app||list", "a");
    await set("app||list", "1", { etag: "7" });
    expect((await get("app||list"))?.etag).toBe("1");
  });

  test("a hash without the state's fields is an error, and a save adds them", async () => {
    await redis.admin.hset("app||foreign", "field", "1");
    const missing = "required hash field 'data' or 'version' was not found";
    await expect(get("app||foreign")).rejects.toThrow(missing);
    await redis.admin.hset("app||half", "data", "1");
    await expect(get("app||half")).rejects.toThrow(missing);
    await set("app||half", "2");
    expect((await get("app||half"))?.etag).toBe("1");
  });

  test("the component's ttlInSeconds counts when the request has none", async () => {
    const mortal = await open({ ttlInSeconds: "100" });
    await mortal.set({ key: "a", value: "1", metadata: {} });
    await mortal.set({
      key: "b",
      value: "1",
      metadata: { ttlInSeconds: "-1" },
    });
    await mortal.close();
    expect(await redis.admin.ttl("a")).toBeGreaterThan(90);
    expect(await redis.admin.ttl("b")).toBe(-1);
  });

  test("without RedisJSON, queries and JSON documents are refused, and the error says why", async () => {
    expect(store.features).toEqual([
      "ETAG",
      "TRANSACTIONAL",
      "TTL",
      "KEYS_LIKE",
    ]);
    await expect(store.query!({}, { queryIndexName: "i" }, "")).rejects.toThrow(
      "needs RedisJSON",
    );
    await store.set({
      key: "app||j",
      value: "1",
      metadata: { contentType: "application/json" },
    });
    expect(await redis.admin.type("app||j")).toBe("hash");
  });

  test("100,000 keys are kept apart", async () => {
    const count = 100_000;
    for (let from = 0; from < count; from += 5000)
      await Promise.all(
        Array.from({ length: 5000 }, (_, i) =>
          set(`app||${from + i}`, `${from + i}`),
        ),
      );
    expect(await redis.admin.dbsize()).toBe(count);
    for (let i = 0; i < count; i += 997)
      expect(String((await get(`app||${i}`))?.data)).toBe(`${i}`);
  });

  test("another database, and a user with a password, can be used", async () => {
    await redis.admin.call(
      "ACL",
      "SETUSER",
      "bob",
      "on",
      ">bobs",
      "~*",
      "+@all",
    );
    const other = await open({
      redisDB: "3",
      redisUsername: "bob",
      redisPassword: "bobs",
    });
    await other.set({ key: "x", value: "1", metadata: {} });
    await other.close();
    expect(await redis.admin.exists("x")).toBe(0);
    expect(await redis.admin.info("keyspace")).toContain("db3:keys=1");
  });
});
