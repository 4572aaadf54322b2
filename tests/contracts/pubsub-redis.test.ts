/** pubsub.redis against the contract of every message bus, on a real server. */
import { randomUUID } from "node:crypto";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

let redis: RedisContainer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

pubsubContract("pubsub.redis", {
  has: ["durable", "groups", "metadata"],
  oddTopics: ["orders/EU", "Grüße ☕", "a,b", "__proto__", "{x}"],
  makeSetup: async (): Promise<PubSubSetup> => ({
    metadata: {
      redisHost: redis.address,
      consumerID: randomUUID(),
      processingTimeout: "4s",
      redeliverInterval: "200ms",
    },
    bad: [
      { metadata: {}, error: "missing redisHost" },
      {
        metadata: { redisHost: "a", concurrency: "0" },
        error: "'concurrency': \"0\" is not a whole number of at least 1",
      },
      {
        metadata: { redisHost: "a", queueDepth: "1.5" },
        error: "'queueDepth': \"1.5\" is not a whole number of at least 1",
      },
      {
        metadata: { redisHost: "a", processingTimeout: "soon" },
        error: "not a duration",
      },
      {
        metadata: {
          redisHost: redis.address,
          redisUsername: "nobody",
          redisPassword: "x",
        },
        error: /^redis streams: error connecting to redis at .*WRONGPASS/,
      },
    ],
    outage: {
      begin: () => redis.kill(),
      end: () => redis.start(),
      error:
        /redis at .* can't be reached|the connection to redis at .* was lost/,
    },
  }),
});
