/** A Redis that is killed or hangs, behind a sidecar with a Resiliency for it. */
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";
import { resiliency } from "../support/resiliency.ts";
import { waitFor } from "../wait-for.ts";

let redis: RedisContainer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());
afterEach(stopAll);

const start = (policies: string, outbound: string) =>
  startDaprd({
    resources: {
      "store.yaml": component("store", "state.redis", {
        redisHost: redis.address,
        redisMaxRetries: "0",
      }),
      "resiliency.yaml": resiliency(
        policies,
        `{components: {store: {outbound: ${outbound}}}}`,
      ),
    },
  });

test("a call that finds the server killed waits with its retries until it is back", async () => {
  const sidecar = await start(
    "{retries: {patient: {duration: 100ms, maxRetries: -1}}}",
    "{retry: patient}",
  );
  const saved = await sidecar.call("POST", "/v1.0/state/store", {
    body: '[{"key":"1","value":"kept"}]',
  });
  expect(saved.status).toBe(204);
  await redis.kill();
  const reading = sidecar.call("GET", "/v1.0/state/store/1");
  await sidecar.logged(
    "Error processing operation component[store] output. Retrying in 100ms…",
  );
  await redis.start();
  const { status, text } = await reading;
  expect([status, text]).toEqual([200, '"kept"']);
  await sidecar.logged(
    "Recovered processing operation component[store] output",
  );
});

test("a server that hangs costs a call no more than its time, and opens the circuit breaker", async () => {
  const sidecar = await start(
    "{timeouts: {quick: 100ms}, circuitBreakers: {some: {timeout: 300ms, trip: consecutiveFailures >= 2}}}",
    "{timeout: quick, circuitBreaker: some}",
  );
  const read = async () => {
    const reply = await sidecar.call("GET", "/v1.0/state/store/1");
    return `${reply.status} ${reply.text}`;
  };
  await waitFor("the store", async () => (await read()).startsWith("20"));
  await redis.pause();
  try {
    for (const _ of [1, 2])
      expect(await read()).toMatch(/^500 .*context deadline exceeded"}$/);
    expect(await read()).toMatch(/^500 .*circuit breaker is open"}$/);
  } finally {
    await redis.unpause();
  }
  await waitFor("the breaker to close", async () =>
    (await read()).startsWith("20"),
  );
  await sidecar.logged('"some-store" changed state from half-open to closed');
});
