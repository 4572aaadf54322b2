/** The same tests on a real Redis, in a container that begins and ends with them. Skipped where there is no Docker. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import type { StartedTestContainer } from "testcontainers";
import { component } from "./component.ts";
import { testOrders } from "./order-tests.ts";

const hasDocker = spawnSync("docker", ["info"]).status === 0;
const skip = hasDocker ? false : "Docker does not answer (docker info)";

describe("orders on Redis", { skip }, async () => {
  const receipts = await mkdtemp(join(tmpdir(), "receipts-"));
  let redis: StartedTestContainer | undefined;
  testOrders(async () => {
    const { GenericContainer, Wait } = await import("testcontainers");
    redis = await new GenericContainer("redis:7")
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage("Ready to accept connections"))
      .start();
    const redisHost = `${redis.getHost()}:${redis.getMappedPort(6379)}`;
    return {
      receipts,
      components: [
        component("statestore", "state.redis", { redisHost }),
        component("pubsub", "pubsub.redis", { redisHost }),
        component("receipts", "bindings.localstorage", { rootPath: receipts }),
      ],
    };
  });
  after(async () => {
    await redis?.stop();
    await rm(receipts, { recursive: true });
  });
});
