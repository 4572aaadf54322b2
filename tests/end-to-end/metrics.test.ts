/** What Prometheus reads of a running sidecar (docs/metrics.md). */
import { Metadata } from "@grpc/grpc-js";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded } from "../support/embedded.ts";
import { closeGrpc, encodeRequest, openGrpc } from "../support/grpc-api.ts";
import { AppError, closeGrpcApps, startGrpcApp } from "../support/grpc-app.ts";
import {
  connectEcho,
  echoMethods,
  startEcho,
} from "../support/echo-service.ts";
import { call } from "../support/http.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

afterEach(stopAll);
afterEach(closeApps);
afterEach(closeGrpc);
afterEach(closeGrpcApps);

const folder = tempFolder("metrics");

const read = (sidecar: Daprd, path = "/") =>
  call(sidecar.metricsPort, "GET", path);

/** The value of each row, by its name and labels as written. */
async function rows(sidecar: Daprd): Promise<Map<string, string>> {
  const { text } = await read(sidecar);
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const end = line.lastIndexOf(" ");
        return [line.slice(0, end), line.slice(end + 1)];
      }),
  );
}

/** The value of a metric of app `counted`. */
const valueIn = (found: Map<string, string>, name: string, labels = "") =>
  found.get(`dapr_${name}{app_id="counted"${labels && ","}${labels}}`);

/** A sidecar with an app; `metrics`: of its Configuration, as YAML of one line. */
async function withApp(metrics?: string, args: string[] = []) {
  const app = await startApp(({ path }) => ({
    status: path === "/bad" ? 503 : 200,
    body: "ok",
  }));
  const file = join(folder, `${app.port}.yaml`);
  if (metrics) writeFileSync(file, configuration(`  metrics: ${metrics}\n`));
  const sidecar = await startDaprd({
    appId: "counted",
    appPort: app.port,
    until: "ready",
    env: { NAMESPACE: "shop" },
    args: [...args, ...(metrics ? [`--config=${file}`] : [])],
    resources: {
      "a.yaml": embedded(),
      "b.yaml": component("store", "state.in-memory"),
      "c.yaml": component("vault", "secretstores.local.env"),
      "d.yaml": component(
        "nothing",
        "state.sqlite",
        {},
        { spec: "  ignoreErrors: true\n" },
      ),
    },
  });
  return { app, sidecar };
}

const request = (method: string, path: string, status: number) =>
  `method="${method}",path="${path}",status="${status}"`;

test("rules of the Configuration change labels, a broken one ends the start", async () => {
  const { sidecar } = await withApp(
    "{rules: [{name: dapr_http_server_request_count, labels: [{name: path, regex: {'/orders/ID': '/orders/.+'}}]}, {name: dapr_nothing, labels: [{name: path}]}]}",
  );
  for (const path of ["orders/1", "orders/2", "orders"])
    await sidecar.call("GET", `/v1.0/invoke/counted/method/${path}`);
  const found = await rows(sidecar);
  const at = (name: string, path: string) =>
    valueIn(
      found,
      name,
      request("GET", `/v1.0/invoke/counted/method/${path}`, 200),
    );
  expect(at("http_server_request_count", "orders/ID")).toBe("2");
  expect(at("http_server_request_count", "orders")).toBe("1");
  expect(at("http_server_response_count", "orders/1")).toBe("1");
  expect(sidecar.output()).toContain(
    "spec.metrics.rules: there is no metric dapr_nothing: its rule has no effect",
  );

  const file = join(folder, "broken.yaml");
  writeFileSync(
    file,
    configuration(
      "  metrics: {rules: [{name: m, labels: [{name: l, regex: {a: '('}}]}]}\n",
    ),
  );
  const broken = await startDaprd({
    until: "nothing",
    args: [`--config=${file}`],
  });
  expect((await broken.exited).code).toBe(1);
  expect(broken.output()).toMatch(
    /spec\.metrics\.rules: .* \(.*broken\.yaml:\d+:\d+\)/,
  );
});

test("calls of each block are counted and timed under Dapr's names", async () => {
  const { app, sidecar } = await withApp();
  const save = JSON.stringify([{ key: "k", value: 1 }]);
  await sidecar.call("POST", "/v1.0/state/store", { body: save });
  await sidecar.call("GET", "/v1.0/state/store/k?metadata.a=b");
  await sidecar.call("GET", "/v1.0/state/none/k");
  await sidecar.call("GET", "/v1.0/secrets/vault/PATH");
  await sidecar.call("POST", "/v1.0/bindings/orders", {
    body: '{"operation":"create","data":1}',
  });
  await waitFor("the delivery", () => app.posts().length > 0);
  await sidecar.call("POST", "/v1.0/invoke/counted/method/orders/7?x=1");
  await sidecar.call("GET", "/v1.0/invoke/counted/method/bad");
  const found = await rows(sidecar);
  const at = (name: string, labels?: string) => valueIn(found, name, labels);

  for (const [method, path, status] of [
    ["POST", "/v1.0/state/store", 204],
    ["GET", "/v1.0/state/store", 200],
    ["GET", "/v1.0/state/none", 400],
    ["GET", "/v1.0/secrets/vault", 200],
    ["POST", "/v1.0/bindings/orders", 204],
    ["POST", "/v1.0/invoke/counted/method/orders/7", 200],
  ] as const) {
    const labels = request(method, path, status);
    expect([labels, at("http_server_request_count", labels)]).toEqual([
      labels,
      "1",
    ]);
    expect(at("http_server_response_count", labels)).toBe("1");
    expect(at("http_server_latency_count", labels)).toBe("1");
    expect(at("http_server_latency_bucket", `${labels},le="+Inf"`)).toBe("1");
  }
  expect(Number(at("http_server_request_bytes_sum"))).toBeGreaterThan(
    save.length,
  );
  expect(
    at("http_client_completed_count", request("POST", "orders", 200)),
  ).toBe("1");
  expect(
    at("http_client_completed_count", request("POST", "orders/7", 200)),
  ).toBe("1");
  expect(
    at("http_client_roundtrip_latency_count", request("GET", "bad", 503)),
  ).toBe("1");
  const of = (name: string, more: string, success: boolean) =>
    `component="${name}",namespace="shop",${more}success="${success}"`;
  expect(
    at("component_state_count", of("store", 'operation="set",', true)),
  ).toBe("1");
  expect(
    at(
      "component_state_latencies_count",
      of("store", 'operation="get",', true),
    ),
  ).toBe("1");
  expect(
    at("component_secret_count", of("vault", 'operation="get",', true)),
  ).toBe("1");
  expect(
    at(
      "component_output_binding_count",
      of("orders", 'operation="create",', true),
    ),
  ).toBe("1");
  expect(at("component_input_binding_count", of("orders", "", true))).toBe("1");
  expect(at("runtime_component_loaded")).toBe("3");
  // It is tried again and again.
  expect(
    Number(
      at(
        "runtime_component_init_fail_total",
        'component="state.sqlite",componentName="nothing",reason="init"',
      ),
    ),
  ).toBeGreaterThan(0);
  expect(
    at("runtime_component_init_total", 'component="state.in-memory"'),
  ).toBe("1");
  // Errors are counted by their codes only where the Configuration wants it.
  expect([...found.keys()].some((key) => key.includes("error_code"))).toBe(
    false,
  );
  expect(Number(found.get("process_resident_memory_bytes"))).toBeGreaterThan(1);
});

test("it is Prometheus' text, on any path; the API's port has none", async () => {
  const { sidecar } = await withApp();
  const { status, headers, text } = await read(sidecar, "/any/path?x");
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe(
    "text/plain; version=0.0.4; charset=utf-8",
  );
  const lines = text.trimEnd().split("\n");
  for (const line of lines)
    expect(line).toMatch(
      /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-zA-Z_]+="[^"\n]*",?)*\})? [\d.e+-]+)$/,
    );
  expect(lines).toContain("# TYPE dapr_http_server_latency histogram");
  expect((await sidecar.call("GET", "/metrics")).status).toBe(404);
  // A page that made a name of its own point here is no Prometheus.
  const headersOf = { host: "evil.example" };
  const rebound = await call(sidecar.metricsPort, "GET", "/", {
    headers: headersOf,
  });
  expect(rebound.status).toBe(403);
});

test("labels that a caller chooses stay few", async () => {
  const { sidecar } = await withApp();
  for (let i = 0; i < 150; i++)
    await Promise.all([
      sidecar.call("GET", `/v1.0/state/store-${i}/k`),
      sidecar.call("GET", `/v1.0/invoke/counted/method/orders/${i}`),
      sidecar.call("PUT", `/v1.0/metadata/key-${i}`, { body: "x" }),
    ]);
  await sidecar
    .call("BREW", "/v1.0/invoke/counted/method/orders/1")
    .catch(() => {});
  const found = await rows(sidecar);
  const paths = (name: string) =>
    new Set(
      [...found.keys()]
        .filter((key) => key.startsWith(`dapr_${name}{`))
        .map((key) => /path="([^"]*)"/.exec(key)![1]!),
    );
  const served = paths("http_server_request_count");
  for (const other of ["/v1.0/state/{store}", "/v1.0/metadata/{key}", "other"])
    expect(served).toContain(other);
  // A hundred of each route, and the rest together.
  expect(served.size).toBeLessThan(3 * 101 + 10);
  expect(paths("http_client_completed_count").size).toBe(101);
});

test("the Configuration chooses paths, verbs, bounds and error codes", async () => {
  const { sidecar } = await withApp(
    '{recordErrorCodes: true, latencyDistributionBuckets: [50, 5], http: {increasedCardinality: false, excludeVerbs: true, pathMatching: ["/v1.0/invoke/counted/method/orders/{id}", "/v1.0/state/"]}}',
  );
  for (const id of [1, 2])
    await sidecar.call("GET", `/v1.0/invoke/counted/method/orders/${id}`);
  await sidecar.call("GET", "/v1.0/state/none/k");
  await sidecar.call("GET", "/v1.0/secrets/none/k");
  const api = openGrpc(sidecar.grpcPort);
  await api.call("GetState", { storeName: "none", key: "k" });
  const found = await rows(sidecar);
  const counts = (path: string, status: number) =>
    valueIn(found, "http_server_request_count", request("", path, status));
  expect(counts("/v1.0/invoke/counted/method/orders/{id}", 200)).toBe("2");
  expect(counts("/v1.0/state/", 400)).toBe("1");
  expect(counts("", 401)).toBe("1");
  const bounds = [...found.keys()]
    .filter((key) => key.startsWith("dapr_http_server_latency_bucket"))
    .map((key) => /le="([^"]*)"/.exec(key)![1]);
  expect(new Set(bounds)).toEqual(new Set(["5", "50", "+Inf"]));
  // One by HTTP, one by gRPC.
  for (const [category, code, count] of [
    ["state", "ERR_STATE_STORE_NOT_FOUND", "2"],
    ["secret", "ERR_SECRET_STORE_NOT_FOUND", "1"],
  ])
    expect(
      valueIn(
        found,
        "error_code_total",
        `category="${category}",error_code="${code}"`,
      ),
    ).toBe(count);
});

test.each([
  ["the flag", undefined, ["--enable-metrics=false"]],
  ["the Configuration", "{enabled: false}", []],
])("%s switches metrics off", async (_, metrics, args) => {
  const { sidecar } = await withApp(metrics, args);
  await expect(read(sidecar)).rejects.toThrow("ECONNREFUSED");
  expect(sidecar.messages().join()).not.toContain("metrics server");
});

test("what is published is counted by component and topic, a bulk as one", async () => {
  const sidecar = await startDaprd({
    appId: "counted",
    env: { NAMESPACE: "shop" },
    resources: {
      "a.yaml": component("memory", "pubsub.in-memory"),
      "b.yaml": component("file", "pubsub.sqlite", {
        path: join(folder, "bus.db"),
      }),
      "c.yaml": component("spaced", "pubsub.in-memory", {
        consumerID: "{namespace}",
      }),
    },
  });
  const publish = (path: string, body = "1") =>
    sidecar.call("POST", `/v1.0/publish/${path}`, { body });
  const bulk = (count: number) =>
    JSON.stringify(
      Array.from({ length: count }, (_, i) => ({
        entryId: `${i}`,
        event: "x",
        contentType: "text/plain",
      })),
    );
  await publish("memory/orders");
  await publish("memory/orders/paid");
  await publish("memory/orders/paid");
  await publish("file/orders?metadata.partitionNumber=x");
  await publish("bulk/memory/orders", bulk(3));
  await publish("spaced/orders");
  // These never reach a component.
  await publish("nope/orders");
  await publish("memory/orders?metadata.rawPayload=x");
  for (let i = 0; i < 120; i++) await publish(`memory/topic-${i}`);
  const found = await rows(sidecar);
  const at = (
    name: string,
    topic: string,
    { of = "memory", success = true } = {},
  ) =>
    valueIn(
      found,
      `component_pubsub_egress_${name}`,
      `component="${of}",namespace="shop",success="${success}",topic="${topic}"`,
    );
  expect(at("count", "orders")).toBe("1");
  expect(at("count", "orders/paid")).toBe("2");
  expect(at("latencies_count", "orders/paid")).toBe("2");
  expect(at("count", "orders", { of: "file", success: false })).toBe("1");
  // The broker's topic is shoporders.
  expect(at("count", "orders", { of: "spaced" })).toBe("1");
  expect(at("bulk_count", "orders")).toBe("1");
  expect(at("bulk_latencies_count", "orders")).toBe("1");
  // A hundred topics are told apart.
  expect(at("count", "topic-97")).toBe("1");
  expect(at("count", "topic-98")).toBeUndefined();
  expect(at("count", "other")).toBe("22");
});

test("calls between sidecars are counted at both ends", async () => {
  const { sidecar } = await withApp();
  const other = await startDaprd({
    appId: "caller",
    env: {
      NAMESPACE: "shop",
      DAPR_REGISTRY_PATH: join(sidecar.resources, ".sidecars"),
    },
  });
  const reply = await other.call("GET", "/v1.0/invoke/counted/method/bad");
  expect(reply.status).toBe(503);
  const sent = await rows(other);
  const of = (name: string, labels: string) =>
    sent.get(
      `dapr_runtime_service_invocation_${name}{app_id="caller",${labels}}`,
    );
  expect(of("req_sent_total", 'dst_app_id="counted",type="unary"')).toBe("1");
  expect(
    of("res_recv_total", 'src_app_id="counted",status="503",type="unary"'),
  ).toBe("1");
  expect(
    of("res_recv_latency_ms_count", 'src_app_id="counted",status="503"'),
  ).toBe("1");
  const received = await rows(sidecar);
  const at = (name: string, labels: string) =>
    valueIn(received, `runtime_service_invocation_${name}`, labels);
  expect(at("req_recv_total", 'src_app_id="caller"')).toBe("1");
  expect(at("res_sent_total", 'dst_app_id="caller",status="503"')).toBe("1");
});

test("calls over gRPC are counted by method and status, their bytes by method", async () => {
  const { sidecar } = await withApp();
  const api = openGrpc(sidecar.grpcPort);
  const value = Buffer.alloc(3000, "1");
  await api.call("SaveState", {
    storeName: "store",
    states: [{ key: "a", value }],
  });
  await api.call("GetState", { storeName: "store", key: "a" });
  for (const method of ["GetMetadata", "TryLockAlpha1", "NoSuch"])
    await api.call(method);
  // A caller chooses these.
  for (let i = 0; i < 120; i++) await api.call(`NoSuch${i}`);
  const found = await rows(sidecar);
  const at = (method: string, status: string) =>
    valueIn(
      found,
      "grpc_io_server_completed_rpcs",
      `grpc_server_method="${method}",grpc_server_status="${status}"`,
    );
  const dapr = "/dapr.proto.runtime.v1.Dapr";
  expect(at(`${dapr}/GetMetadata`, "OK")).toBe("1");
  expect(at(`${dapr}/TryLockAlpha1`, "Unimplemented")).toBe("1");
  expect(at(`${dapr}/NoSuch`, "Unknown")).toBe("1");
  expect(at(`${dapr}/NoSuch98`, "Unknown")).toBe("1");
  expect(at("other", "Unknown")).toBe("21");
  const sum = (what: string, method: string) =>
    Number(
      valueIn(
        found,
        `grpc_io_server_${what}_bytes_per_rpc_sum`,
        `grpc_server_method="${method}"`,
      ),
    );
  const [save, get] = [`${dapr}/SaveState`, `${dapr}/GetState`];
  expect(sum("received", save)).toBe(
    encodeRequest("dapr.proto.runtime.v1.Dapr", "SaveState", {
      storeName: "store",
      states: [{ key: "a", value }],
    }).length,
  );
  expect(sum("sent", save)).toBe(0);
  expect(sum("sent", get)).toBeGreaterThan(3000);
  expect(sum("received", get)).toBeLessThan(20);
});

test("calls of an app that speaks gRPC are counted by method and status", async () => {
  const app = await startGrpcApp({
    OnInvoke: ({ request }) => {
      if (request["method"] === "bad") throw new AppError(5, "no such order");
      return {};
    },
  });
  const sidecar = await startDaprd({
    appId: "counted",
    appPort: app.port,
    until: "ready",
    args: ["--app-protocol=grpc"],
  });
  for (const method of ["good", "bad"])
    await sidecar.call("POST", `/v1.0/invoke/counted/method/${method}`, {
      body: "x".repeat(1500),
    });
  const found = await rows(sidecar);
  const at = (status: string) =>
    valueIn(
      found,
      "grpc_io_client_completed_rpcs",
      `grpc_client_method="/dapr.proto.runtime.v1.AppCallback/OnInvoke",grpc_client_status="${status}"`,
    );
  expect([at("OK"), at("NotFound")]).toEqual(["1", "1"]);
  const bytes = (what: string) =>
    Number(
      valueIn(
        found,
        `grpc_io_client_${what}_bytes_per_rpc_sum`,
        'grpc_client_method="/dapr.proto.runtime.v1.AppCallback/OnInvoke"',
      ),
    );
  expect(bytes("sent")).toBeGreaterThan(3000);
  // The good answer has no field.
  expect(bytes("received")).toBe(0);
});

test("gRPC calls that are passed on are counted by both sidecars", async () => {
  const echo = await startEcho();
  const sidecar = await startDaprd({
    appId: "counted",
    appPort: echo.port,
    until: "ready",
    args: ["--app-protocol=grpc"],
  });
  const caller = await startDaprd({
    appId: "caller",
    env: { DAPR_REGISTRY_PATH: join(sidecar.resources, ".sidecars") },
  });
  const client = connectEcho(caller.grpcPort);
  const bytes = (value: Buffer) => value;
  for (const [name, more] of [
    ["unary", {}],
    ["unary", { "dapr-stream": "true" }],
    ["fail", {}],
  ] as const) {
    const metadata = new Metadata();
    metadata.set("dapr-app-id", "counted");
    for (const [key, value] of Object.entries(more)) metadata.set(key, value);
    await new Promise((resolve) =>
      client.makeUnaryRequest(
        echoMethods[name].path,
        bytes,
        bytes,
        Buffer.alloc(2000),
        metadata,
        resolve,
      ),
    );
  }
  client.close();
  await echo.close();
  const sent = await rows(caller);
  const at = (name: string, labels: string) =>
    sent.get(`dapr_${name}{app_id="caller",${labels}}`);
  const served = (method: string, code: string) =>
    at(
      "grpc_io_server_completed_rpcs",
      `grpc_server_method="/test.Echo/${method}",grpc_server_status="${code}"`,
    );
  expect([served("Unary", "OK"), served("Fail", "OK")]).toEqual([
    "2",
    undefined,
  ]);
  const calls = "runtime_service_invocation";
  for (const [type, count] of [
    ["unary", "2"],
    ["streaming", "1"],
  ])
    expect(
      at(`${calls}_req_sent_total`, `dst_app_id="counted",type="${type}"`),
    ).toBe(count);
  expect(
    at(
      `${calls}_res_recv_total`,
      'src_app_id="counted",status="0",type="unary"',
    ),
  ).toBe("1");
  const received = await rows(sidecar);
  const passed = (name: string, labels: string) =>
    valueIn(received, `grpc_io_client_${name}`, labels);
  const method = 'grpc_client_method="/test.Echo/Unary"';
  expect(passed("completed_rpcs", `${method},grpc_client_status="OK"`)).toBe(
    "2",
  );
  expect(Number(passed("sent_bytes_per_rpc_sum", method))).toBeGreaterThan(
    4000,
  );
});

test("a taken port ends the start and says what to do", async () => {
  const first = await startDaprd();
  const second = await startDaprd({
    args: [`--metrics-port=${first.metricsPort}`],
    until: "nothing",
  });
  expect((await second.exited).code).toBe(1);
  expect(second.output()).toMatch(
    new RegExp(
      `metrics: could not listen on port ${first.metricsPort}: .*EADDRINUSE.*give another port with --metrics-port, or start with --enable-metrics=false`,
    ),
  );
});
