import { selectResiliencies } from "../../resources/kinds/resiliency.ts";
import { readDocuments } from "../../resources/values/yaml.ts";
import type { Logger } from "../../shared/log.ts";
import { resiliency } from "../../../tests/support/resiliency.ts";
import { createResiliencies } from "./resiliencies.ts";

const lines: string[] = [];
const write = (line: string) => void lines.push(line);
const log = { info: write, warn: write, error: write } as unknown as Logger;
beforeEach(() => void lines.splice(0));

const read = (...texts: string[]) =>
  selectResiliencies(readDocuments(texts.join("---\n"), "r.yaml"), {
    appId: "shop",
    env: {},
    log,
  });

async function open(...texts: string[]) {
  const all = createResiliencies({ log, metrics: undefined });
  all.replace(await read(...texts));
  return all;
}

const app = (all: Awaited<ReturnType<typeof open>>, id: string, method = "x") =>
  all.app(id, [id], `${id}:${method}`);

test("without any resource there is nothing around a call but the built-in retries", async () => {
  const all = await open();
  expect(all.isEmpty()).toBe(true);
  expect(app(all, "orders")).toBeUndefined();
  expect(all.component("store", "Statestore", "outbound")()).toBeUndefined();
  expect(all.serviceRetries(["orders"])).toMatchObject({
    policy: "constant",
    durationMs: 1000,
    maxRetries: 3,
  });
  expect(lines).toEqual([]);
});

test.each([
  ["Statestore", "outbound", "DefaultStatestoreComponentOutboundRetryPolicy"],
  ["Binding", "inbound", "DefaultBindingComponentInboundRetryPolicy"],
  ["Pubsub", "inbound", "DefaultPubsubComponentInboundRetryPolicy"],
  ["Pubsub", "outbound", "DefaultPubsubComponentOutboundRetryPolicy"],
  ["Secretstore", "outbound", "DefaultSecretstoreComponentOutboundRetryPolicy"],
] as const)(
  "%s %s: the defaults are, from the most specific, %s and so on",
  async (type, direction, name) => {
    const levels = [
      name,
      `DefaultComponent${direction === "inbound" ? "Inbound" : "Outbound"}RetryPolicy`,
      "DefaultComponentRetryPolicy",
      "DefaultRetryPolicy",
    ];
    for (let i = 0; i < levels.length; i++) {
      const retries = levels
        .slice(i)
        .map((one, n) => `${one}: {maxRetries: ${i + n}}`);
      const all = await open(resiliency(`{retries: {${retries.join(", ")}}}`));
      const policy = all.component("one", type, direction)();
      expect(policy?.retry?.maxRetries).toBe(i);
      expect(policy?.name).toBe(
        `component[one] ${direction === "inbound" ? "input" : "output"}`,
      );
    }
    const other = await open(
      resiliency(
        "{retries: {DefaultLockComponentOutboundRetryPolicy: {}, DefaultAppRetryPolicy: {}}}",
      ),
    );
    expect(other.component("one", type, direction)()).toBeUndefined();
  },
);

test("timeouts, retries and circuit breakers have defaults of their own", async () => {
  const all = await open(
    resiliency(
      "{timeouts: {DefaultTimeoutPolicy: 5s}, retries: {DefaultAppRetryPolicy: {maxRetries: 1}}, circuitBreakers: {DefaultCircuitBreakerPolicy: {}}}",
    ),
  );
  expect(app(all, "orders")).toMatchObject({
    timeoutMs: 5000,
    retry: { maxRetries: 1 },
    breaker: expect.anything() as unknown,
  });
});

test("a target of a component disables its defaults, in the other direction, too", async () => {
  const all = await open(
    resiliency(
      "{timeouts: {quick: 1s}, retries: {DefaultRetryPolicy: {}}}",
      "{components: {store: {outbound: {timeout: quick}}}}",
    ),
  );
  const policy = all.component("store", "Statestore", "outbound")();
  expect([policy?.timeoutMs, policy?.retry]).toEqual([1000, undefined]);
  expect(all.component("store", "Statestore", "inbound")()).toBeUndefined();
});

test("one circuit breaker of a component is for both directions", async () => {
  const all = await open(
    resiliency(
      "{circuitBreakers: {one: {}, two: {}}}",
      "{components: {bus: {outbound: {circuitBreaker: one}, inbound: {circuitBreaker: one}}, other: {outbound: {circuitBreaker: one}, inbound: {circuitBreaker: two}}}}",
    ),
  );
  const breaker = (name: string, direction: "inbound" | "outbound") =>
    all.component(name, "Pubsub", direction)()?.breaker;
  expect(breaker("bus", "inbound")).toBe(breaker("bus", "outbound"));
  expect(breaker("other", "inbound")).not.toBe(breaker("other", "outbound"));
  expect(breaker("other", "outbound")).not.toBe(breaker("bus", "outbound"));
});

test("each method of an app has a circuit breaker; those not used for longest go beyond the size of the cache", async () => {
  const all = await open(
    resiliency(
      "{circuitBreakers: {one: {}}}",
      "{apps: {orders: {circuitBreaker: one, circuitBreakerCacheSize: 2}}}",
    ),
  );
  const breaker = (method: string) => app(all, "orders", method)!.breaker;
  const a = breaker("a");
  const b = breaker("b");
  expect(breaker("a")).toBe(a);
  breaker("c");
  expect(breaker("a")).toBe(a);
  expect(breaker("b")).not.toBe(b);
});

test("several resources are one; what two have is told, and the later one counts", async () => {
  const all = await open(
    resiliency(
      "{retries: {some: {maxRetries: 1}}, timeouts: {quick: 1s}}",
      "{apps: {orders: {retry: some}}}",
      "one",
    ),
    resiliency(
      "{retries: {some: {maxRetries: 2}}}",
      "{apps: {cart: {retry: some, timeout: quick}}}",
      "two",
    ),
  );
  expect(app(all, "orders")?.retry?.maxRetries).toBe(2);
  expect(app(all, "cart")?.timeoutMs).toBe(1000);
  expect(lines).toContain(
    'retries some is in both Resiliency "one" and "two", of which the latter counts',
  );
});

test("a target is found by any of its names", async () => {
  const all = await open(
    resiliency(
      "{timeouts: {quick: 1s, slow: 9s}}",
      "{apps: {orders: {timeout: quick}, orders.shop: {timeout: slow}}}",
    ),
  );
  const find = (...keys: string[]) => all.app(keys[0]!, keys, "x")?.timeoutMs;
  expect(find("orders.shop", "orders")).toBe(9000);
  expect(find("orders.bank", "orders")).toBe(1000);
});

test("built-in retries may be changed, but not to fewer than three, and one not at all", async () => {
  const all = await open(
    resiliency(
      "{retries: {DaprBuiltInServiceRetries: {policy: exponential, maxRetries: 7}, DaprBuiltInActorRetries: {maxRetries: -1}, DaprBuiltInActorNotFoundRetries: {maxRetries: 9}}}",
    ),
  );
  expect(all.serviceRetries(["orders"])).toMatchObject({
    policy: "exponential",
    maxRetries: 7,
  });
  expect(lines).toEqual([
    "Loading Resiliency configuration: calm",
    "Attempted override of DaprBuiltInActorRetries did not meet minimum retry count, resetting to 3.",
    "Attempted to override protected policy DaprBuiltInActorNotFoundRetries which is not allowed. Ignoring provided policy and using default.",
  ]);
});

test("an app that is a target has no built-in retries, one with default policies has them", async () => {
  const all = await open(
    resiliency(
      "{timeouts: {quick: 1s}, retries: {DefaultRetryPolicy: {}}}",
      "{apps: {orders: {timeout: quick}}}",
    ),
  );
  expect(all.serviceRetries(["orders.shop", "orders"])).toBeUndefined();
  expect(all.serviceRetries(["cart"])).toMatchObject({ maxRetries: 3 });
});

test("a policy that is nowhere is told with its place", async () => {
  const all = await open(
    resiliency(
      "{retries: {often: {}}}",
      "{components: {store: {outbound: {retry: oftn, timeout: none}}}}",
    ),
  );
  expect(all.component("store", "Statestore", "outbound")()).toBeUndefined();
  expect(lines.slice(1)).toEqual([
    'Resiliency "calm": there is no timeout policy none. The target goes without it (r.yaml:7:67)',
    'Resiliency "calm": there is no retry policy oftn; did you mean often? The target goes without it (r.yaml:7:52)',
  ]);
});

test("the same resources read again keep their circuit breakers, changed ones do not", async () => {
  const text = resiliency(
    "{circuitBreakers: {DefaultCircuitBreakerPolicy: {}}}",
  );
  const all = await open(text);
  const policyOf = all.component("store", "Statestore", "outbound");
  const first = policyOf()!.breaker;
  all.replace(await read(`# a line more\n${text}`));
  expect(policyOf()!.breaker).toBe(first);
  all.replace(await read(text.replace("{}", "{timeout: 1s}")));
  expect(policyOf()!.breaker).not.toBe(first);
  all.replace([]);
  expect(policyOf()).toBeUndefined();
});
