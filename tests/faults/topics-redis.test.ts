/** The drills of pub/sub, on Redis. */
import { component } from "../support/component.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";
import { endTopicFlows, type Bus } from "./topic-flow.ts";
import { topicsKilled } from "./topics-killed.ts";
import { topicsPoison } from "./topics-poison.ts";
import { topicsResiliency } from "./topics-resiliency.ts";
import { topicsSlow } from "./topics-slow.ts";

let redis: RedisContainer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());
afterEach(endTopicFlows);

const bus = (): Bus => ({
  name: "redis",
  component: (metadata) =>
    component("bus", "pubsub.redis", {
      redisHost: redis.address,
      processingTimeout: "4s",
      redeliverInterval: "300ms",
      ...metadata,
    }),
  kill: () => redis.kill(),
  start: () => redis.start(),
});

topicsKilled(bus, { keepsOrder: false });
topicsPoison(bus, { hasPartitions: false });
topicsSlow(bus);
topicsResiliency(bus);
