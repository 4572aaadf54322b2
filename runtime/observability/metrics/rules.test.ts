import {
  defaultMetrics,
  type MetricRule,
} from "../../contracts/configuration.ts";
import { createMetrics } from "./metrics.ts";
import { compileRules } from "./rules.ts";

const rule = (
  metric: string,
  label: string,
  replacements: Record<string, string>,
): MetricRule => ({
  metric,
  label,
  replacements: Object.entries(replacements).map(([replacement, pattern]) => ({
    replacement,
    pattern,
    at: { file: "config.yaml", line: 9, column: 5 },
  })),
});

const open = async (...rules: MetricRule[]) =>
  createMetrics({
    appId: "app-7",
    namespace: "shop",
    settings: defaultMetrics,
    rewrites: await compileRules(rules),
  });

type Metrics = Awaited<ReturnType<typeof open>>;

const serve = (metrics: Metrics, path: string, ms = 1) =>
  metrics.httpServer(
    { method: "GET", path, route: undefined, headers: {} },
    { status: 200 },
    0,
    ms,
  );

/** The rows of one metric, without its name. */
async function rows(metrics: Metrics, name: string): Promise<string[]> {
  const { body } = await metrics.text();
  return body
    .split("\n")
    .filter((line) => line.startsWith(`dapr_${name}{`))
    .map((line) => line.slice(`dapr_${name}`.length));
}

test.each([
  "dapr_http_server_request_count",
  "http_server_request_count",
  "http/server/request_count",
])("rows that a rule for %s makes the same become one", async (name) => {
  const metrics = await open(
    rule(name, "path", { "/orders/ID": "/orders/.+" }),
  );
  for (const path of [
    "/orders/1",
    "/orders/2/items",
    "/orders",
    "/v1/orders/3",
  ])
    serve(metrics, path);
  const row = (path: string, count: number) =>
    `{app_id="app-7",method="GET",path="${path}",status="200"} ${count}`;
  expect(await rows(metrics, "http_server_request_count")).toEqual([
    row("/orders/ID", 2),
    row("/orders", 1),
    row("/v1/orders/ID", 1),
  ]);
  expect(await rows(metrics, "http_server_response_count")).toHaveLength(4);
});

test("buckets and sums of a histogram add up, its name goes without _bucket", async () => {
  const metrics = await open(
    rule("dapr_http_server_latency", "path", { "/ID": String.raw`^/\d+$` }),
  );
  for (const [path, ms] of [
    ["/1", 1],
    ["/2", 2],
    ["/3", 1000],
  ] as const)
    serve(metrics, path, ms);
  const labels = `app_id="app-7",method="GET",path="/ID",status="200"`;
  expect(await rows(metrics, "http_server_latency_sum")).toEqual([
    `{${labels}} 1003`,
  ]);
  expect(await rows(metrics, "http_server_latency_count")).toEqual([
    `{${labels}} 3`,
  ]);
  const buckets = await rows(metrics, "http_server_latency_bucket");
  expect(buckets.slice(0, 2)).toEqual([
    `{${labels},le="1"} 1`,
    `{${labels},le="2"} 2`,
  ]);
});

test("patterns follow each other, app_id can change, an empty value does not", async () => {
  const metrics = await open(
    rule("http_client_sent_bytes", "status", { none: "^$" }),
    rule("http_client_sent_bytes", "app_id", {
      app: String.raw`-\d+`,
      apps: "app",
    }),
    rule("http_client_sent_bytes", "path", { never: ".*" }),
    // The last rule for a label counts.
    rule("http_client_sent_bytes", "path", { b$1: "^a(.)" }),
  );
  metrics.httpClient("GET", "ax", 200, 5, 1);
  expect(await rows(metrics, "http_client_sent_bytes_sum")).toEqual([
    `{app_id="appsapps",method="GET",path="bx",status=""} 5`,
  ]);
});

test("values for which there is no room are still told apart by rules", async () => {
  const metrics = await open(
    rule("http_server_request_count", "path", { "/orders/ID": "^/orders/.+" }),
  );
  for (let i = 0; i < 250; i++) serve(metrics, `/orders/${i}`);
  for (let i = 0; i < 3; i++) serve(metrics, `/rest/${i}`);
  const of = (path: string, count: number) =>
    `{app_id="app-7",method="GET",path="${path}",status="200"} ${count}`;
  expect(await rows(metrics, "http_server_request_count")).toEqual([
    of("/orders/ID", 250),
    of("other", 3),
  ]);
  // No rule is for this one.
  const told = await rows(metrics, "http_server_response_count");
  expect(told.filter((line) => line.includes("other"))).toEqual([
    of("other", 153),
  ]);
});

test("a rule for what there is not is told", async () => {
  const metrics = await open(
    rule("dapr_actor_timers", "app_id", { x: "y" }),
    rule("http_server_latency", "paths", { x: "y" }),
    rule("http_server_request_bytes", "app_id", { x: "y" }),
  );
  expect(metrics.unknownLabels).toEqual([
    "metric dapr_actor_timers",
    "label paths of the metric dapr_http_server_latency",
  ]);
});

test("a broken pattern is told with its place", async () => {
  await expect(open(rule("m", "l", { x: "(" }))).rejects.toThrow(
    /^spec\.metrics\.rules: .*missing closing.*; write a pattern of RE2 \(config\.yaml:9:5\)$/,
  );
});
