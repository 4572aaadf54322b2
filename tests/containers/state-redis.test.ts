/** state.redis on a real server: the contract of every state store, and what is Redis' own. */
import { stateContract } from "../contracts/state-contract.ts";
import type { StateSetup } from "../contracts/state-harness.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";

let redis: RedisContainer;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
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
      ],
    };
  },
  {
    waitMs: 5000,
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
