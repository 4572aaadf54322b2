import type { Logger } from "../../shared/log.ts";
import { readDocuments } from "../values/yaml.ts";
import { selectResiliencies } from "./resiliency.ts";

let lines: string[];
beforeEach(() => {
  lines = [];
});
const log = {
  warn: (line: string) => lines.push(line),
  error: (line: string) => lines.push(`ERROR ${line}`),
} as unknown as Logger;
const read = (text: string, env = {}) =>
  selectResiliencies(readDocuments(text, "r.yaml"), {
    appId: "shop",
    env,
    log,
  });

const head = `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata:
  name: calm
`;
const policies = (rest: string) => `${head}spec:\n  policies:\n${rest}`;

test("all that a Resiliency may have is read, with the original's defaults", async () => {
  const [found] = await read(`${head}  namespace: prod
scopes: [shop]
spec:
  policies:
    timeouts:
      general: 5s
      bare: 250
    retries:
      some:
        policy: constant
        duration: 2s
        maxRetries: 3
        matching:
          httpStatusCodes: 429, 500-599
          gRPCStatusCodes: "14"
      growing: {policy: Exponential, maxInterval: 15s, maxRetries: -1}
      bare: {}
    circuitBreakers:
      simple: {maxRequests: 2, interval: 8s, timeout: 30s, trip: totalFailures >= 3}
      bare: {}
  targets:
    apps:
      orders: {timeout: general, retry: some, circuitBreaker: simple, circuitBreakerCacheSize: 7}
      http://shop.example: {retry: growing}
    actors:
      cart: {circuitBreaker: simple, circuitBreakerScope: both}
    components:
      store:
        outbound: {retry: some}
        inbound: {timeout: bare}
`);
  expect(lines).toEqual([]);
  expect([found!.name, found!.namespace]).toEqual(["calm", "prod"]);
  expect([...found!.timeouts]).toEqual([
    ["general", 5000],
    ["bare", 250],
  ]);
  expect([...found!.retries]).toEqual([
    [
      "some",
      {
        policy: "constant",
        durationMs: 2000,
        maxIntervalMs: 60_000,
        maxRetries: 3,
        httpCodes: [
          [429, 429],
          [500, 599],
        ],
        grpcCodes: [[14, 14]],
      },
    ],
    [
      "growing",
      {
        policy: "exponential",
        durationMs: 5000,
        maxIntervalMs: 15_000,
        maxRetries: Infinity,
      },
    ],
    [
      "bare",
      {
        policy: "constant",
        durationMs: 5000,
        maxIntervalMs: 60_000,
        maxRetries: Infinity,
      },
    ],
  ]);
  const { simple, bare } = Object.fromEntries(found!.circuitBreakers);
  expect(simple).toMatchObject({
    maxRequests: 2,
    intervalMs: 8000,
    timeoutMs: 30_000,
  });
  expect(bare).toMatchObject({
    maxRequests: 1,
    intervalMs: 0,
    timeoutMs: 60_000,
    trip: "consecutiveFailures > 5",
  });
  const counts = {
    requests: 9,
    totalSuccesses: 3,
    totalFailures: 6,
    consecutiveSuccesses: 0,
    consecutiveFailures: 5,
  };
  expect(simple!.trips(counts)).toBe(true);
  expect(simple!.trips({ ...counts, totalFailures: 2 })).toBe(false);
  expect(bare!.trips(counts)).toBe(false);
  expect(bare!.trips({ ...counts, consecutiveFailures: 6 })).toBe(true);
  const names = (of: object | undefined) =>
    Object.entries(of ?? {}).map(([kind, one]) => [
      kind,
      (one as { name?: string }).name ?? one,
    ]);
  expect(names(found!.apps.get("orders"))).toEqual([
    ["timeout", "general"],
    ["retry", "some"],
    ["circuitBreaker", "simple"],
    ["circuitBreakerCacheSize", 7],
  ]);
  expect(names(found!.apps.get("http://shop.example"))).toContainEqual([
    "retry",
    "growing",
  ]);
  expect(names(found!.actors.get("cart"))).toContainEqual([
    "circuitBreakerScope",
    "both",
  ]);
  expect(names(found!.components.get("store")?.outbound)).toEqual([
    ["retry", "some"],
  ]);
});

test("it counts for the apps in its scopes and in its namespace", async () => {
  expect(await read(`${head}scopes: [other]\n`)).toEqual([]);
  expect(await read(`${head}scopes: [shop, other]\n`)).toHaveLength(1);
  const here = `${head}  namespace: prod\n`;
  expect(await read(here, { NAMESPACE: "test" })).toEqual([]);
  expect(await read(here, { NAMESPACE: "prod" })).toHaveLength(1);
});

test("an unknown field is told with its line and the nearest name, and the rest counts", async () => {
  const text = policies(`    timeout: {a: 1s}
    retries:
      some: {maxTries: 3}
      growing: {policy: exponential, duration: 2s}
  target: {}
`);
  expect(await read(text)).toHaveLength(1);
  expect(lines).toEqual([
    'Resiliency "calm": spec.target is not a field and has no effect; did you mean targets? (r.yaml:11:3)',
    'Resiliency "calm": spec.policies.timeout is not a field and has no effect; did you mean timeouts? (r.yaml:7:5)',
    'Resiliency "calm": spec.policies.retries.some.maxTries is not a field and has no effect; did you mean maxRetries? (r.yaml:9:14)',
    'Resiliency "calm": spec.policies.retries.growing.duration has no effect on a policy that is exponential, which takes maxInterval (r.yaml:10:48)',
  ]);
});

test.each([
  [
    "    timeouts: {a: 5 seconds}",
    'timeouts.a: "5 seconds" is not a duration',
    "7:19",
  ],
  ["    timeouts: {a: -5s}", 'timeouts.a: "-5s" is less than no time', "7:19"],
  ["    timeouts: {a: }", "timeouts.a says no time", "7:"],
  ["    timeouts: [a]", "timeouts must be a map of settings", "7:15"],
  [
    "    retries: {a: {policy: linear}}",
    "retries.a.policy linear is neither constant nor exponential",
    "7:27",
  ],
  [
    "    retries: {a: {maxRetries: few}}",
    'maxRetries "few" is no whole number',
    "7:31",
  ],
  ["    retries: {a: 3}", "retries.a must be a map", "7:18"],
  [
    "    retries: {a: {matching: {httpStatusCodes: 5xx}}}",
    '"5xx" is neither a code from 100 to 599 nor a range',
    "7:47",
  ],
  [
    "    retries: {a: {matching: {httpStatusCodes: 599-500}}}",
    '"599-500" is neither',
    "7:47",
  ],
  [
    "    retries: {a: {matching: {gRPCStatusCodes: 17}}}",
    '"17" is neither a code from 0 to 16',
    "7:47",
  ],
  [
    "    circuitBreakers: {a: {trip: consecutiveFailure > 5}}",
    "consecutiveFailure is no count of a circuit breaker; did you mean consecutiveFailures?",
    "7:33",
  ],
  [
    "    circuitBreakers: {a: {trip: requests > > 5}}",
    "found > but expecting",
    "7:33",
  ],
  ["    circuitBreakers: {a: {trip: requests}}", "it is no condition", "7:33"],
  [
    "    circuitBreakers: {a: {trip: 0.5 * requests > 1.0}}",
    "overload",
    "7:33",
  ],
  [
    "    circuitBreakers: {a: {interval: soon}}",
    '"soon" is not a duration',
    "7:37",
  ],
  [
    "  targets: {actors: {cart: {circuitBreaker: a}}}",
    "has a circuitBreaker and no circuitBreakerScope",
    "7:45",
  ],
])(
  "%s: the resource is left out, and its place is told",
  async (text, problem, place) => {
    expect(await read(policies(`${text}\n`))).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`ERROR Resiliency "calm": `);
    expect(lines[0]).toContain(problem);
    expect(lines[0]).toContain(`(r.yaml:${place}`);
    expect(lines[0]).toContain("counts until that is mended");
  },
);
