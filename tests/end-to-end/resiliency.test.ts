/** Timeouts, retries and circuit breakers of Resiliency resources around calls of apps and components (docs/resiliency.md). */
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { component } from "../support/component.ts";
import {
  otherSidecar,
  startDaprd,
  stopAll,
  type Daprd,
} from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { closeGrpc, openGrpc } from "../support/grpc-api.ts";
import { call } from "../support/http.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { resiliency } from "../support/resiliency.ts";
import { startPair } from "../support/sidecar-pair.ts";
import { fileBus } from "../support/topics.ts";
import { waitFor } from "../wait-for.ts";

afterEach(stopAll);
afterEach(closeApps);
afterEach(closeGrpc);
const closing: (() => unknown)[] = [];
afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

/** What the original of 1.14, against which this file runs too, does not have. */
const newer = otherSidecar ? test.skip : test;
/** What it does otherwise: docs/decisions/differences.md. */
const ours = otherSidecar ? test.skip : test;

/** An app that fails the first times at each path, and its sidecar. */
async function withApp(
  resources: string,
  { failures = Infinity, status = 503 } = {},
) {
  const seen = new Map<string, number>();
  const app = await startApp(({ method, path }) => {
    if (method === "OPTIONS" || path.startsWith("/dapr/"))
      return { status: 404 };
    const times = (seen.get(path) ?? 0) + 1;
    seen.set(path, times);
    return times <= failures
      ? { status, body: `no ${times}` }
      : { status: 200, body: `ok ${times}` };
  });
  const sidecar = await startDaprd({
    appId: "shop",
    appPort: app.port,
    until: "ready",
    resources: { "resiliency.yaml": resources },
  });
  const invoke = async (method: string, target = "shop") => {
    const reply = await sidecar.call(
      "POST",
      `/v1.0/invoke/${target}/method/${method}`,
      { body: "hello" },
    );
    return { status: reply.status, text: reply.text };
  };
  return { app, sidecar, invoke, times: (path: string) => seen.get(path) };
}

const write = (sidecar: Daprd, text: string) =>
  writeFileSync(join(sidecar.resources, "resiliency.yaml"), text);

const failed = (err: string, id = "shop") => ({
  status: 500,
  text: JSON.stringify({
    errorCode: "ERR_DIRECT_INVOKE",
    message: `failed to invoke, id: ${id}, err: ${err}`,
  }),
});
const open = "circuit breaker is open";

test("an app that fails is called again until it succeeds, and the log tells it", async () => {
  const { sidecar, invoke, app } = await withApp(
    resiliency(
      "{retries: {some: {duration: 10ms, maxRetries: 5}}}",
      "{apps: {shop: {retry: some}}}",
    ),
    { failures: 2 },
  );
  await sidecar.logged("Loading Resiliency configuration: calm");
  expect(await invoke("orders")).toEqual({ status: 200, text: "ok 3" });
  expect(app.posts().map(({ body }) => body)).toEqual([
    "hello",
    "hello",
    "hello",
  ]);
  await sidecar.logged(
    "Error processing operation endpoint[shop, shop:orders]. Retrying in 10ms…",
  );
  await sidecar.logged(
    "Recovered processing operation endpoint[shop, shop:orders] after 3 attempts",
  );
});

test("when the tries are used up, the app's last answer is the answer", async () => {
  const { invoke, times } = await withApp(
    resiliency(
      "{retries: {some: {duration: 10ms, maxRetries: 2}}}",
      "{apps: {shop: {retry: some}}}",
    ),
  );
  expect(await invoke("orders")).toEqual({ status: 503, text: "no 3" });
  expect(times("/orders")).toBe(3);
});

test("an answer from 200 to 399 is no failure", async () => {
  const { invoke } = await withApp(
    resiliency(
      "{retries: {some: {duration: 10ms, maxRetries: 2}}}",
      "{apps: {shop: {retry: some}}}",
    ),
    { status: 302 },
  );
  expect(await invoke("orders")).toEqual({ status: 302, text: "no 1" });
});

test("a large body is sent again, as long as its length is told", async () => {
  const { sidecar, app } = await withApp(
    resiliency(
      "{retries: {some: {duration: 10ms, maxRetries: 5}}}",
      "{apps: {shop: {retry: some}}}",
    ),
    { failures: 1 },
  );
  const body = "x".repeat(1_000_000);
  const reply = await sidecar.call("POST", "/v1.0/invoke/shop/method/large", {
    body,
  });
  expect([reply.status, reply.text]).toEqual([200, "ok 2"]);
  expect(app.posts().map((one) => one.body === body)).toEqual([true, true]);
});

newer("only statuses that match are tried again", async () => {
  const matching = (codes: string) =>
    resiliency(
      `{retries: {some: {duration: 10ms, maxRetries: 2, matching: {httpStatusCodes: "${codes}"}}}}`,
      "{apps: {shop: {retry: some}}}",
    );
  const { sidecar, invoke } = await withApp(matching("429,500-502"));
  expect(await invoke("one")).toEqual({ status: 503, text: "no 1" });
  write(sidecar, matching("500-599"));
  await waitFor("the change", async () => {
    const { text } = await invoke("two");
    return text === "no 3" || (text.startsWith("no ") && +text.slice(3) > 3);
  });
});

test("a call ends with its time, and is 500 with the original's words", async () => {
  const gone = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on("error", () => {}).on("close", () => gone.resolve());
    socket.resume();
  }).listen(0, "127.0.0.1");
  closing.push(() => server.close());
  await new Promise((done) => server.once("listening", done));
  const sidecar = await startDaprd({
    appId: "shop",
    appPort: (server.address() as AddressInfo).port,
    resources: {
      "r.yaml": resiliency(
        "{timeouts: {quick: 50ms}}",
        "{apps: {shop: {timeout: quick}}}",
      ),
    },
  });
  const reply = await sidecar.call("GET", "/v1.0/invoke/shop/method/slow");
  expect({ status: reply.status, text: reply.text }).toEqual(
    failed("context deadline exceeded"),
  );
  // The call of the app has ended, too.
  await gone.promise;
});

test("a circuit breaker opens for one method, lets a call through after its time, and closes", async () => {
  const { sidecar, invoke, times } = await withApp(
    resiliency(
      "{circuitBreakers: {quick: {timeout: 500ms, trip: consecutiveFailures >= 2}}}",
      "{apps: {shop: {circuitBreaker: quick}}}",
    ),
    { failures: 2 },
  );
  expect((await invoke("orders")).text).toBe("no 1");
  expect((await invoke("orders")).text).toBe("no 2");
  await sidecar.logged('"shop:orders" changed state from closed to open');
  expect((await invoke("other")).text).toBe("no 1");
  await waitFor("the breaker to let a call through", async () => {
    const reply = await invoke("orders");
    if (reply.status === 200) return true;
    expect(reply).toEqual(failed(open));
    return false;
  });
  expect(times("/orders")).toBe(3);
  await sidecar.logged('"shop:orders" changed state from open to half-open');
  await sidecar.logged('"shop:orders" changed state from half-open to closed');
});

test("an open circuit breaker ends the retries", async () => {
  const { invoke, times } = await withApp(
    resiliency(
      "{retries: {many: {duration: 10ms}}, circuitBreakers: {quick: {timeout: 1h, trip: consecutiveFailures > 2}}}",
      "{apps: {shop: {retry: many, circuitBreaker: quick}}}",
    ),
  );
  expect(await invoke("orders")).toEqual(failed(open));
  expect(times("/orders")).toBe(3);
});

test("policies of default names are for targets without an entry; the most specific one counts", async () => {
  const { invoke, times } = await withApp(
    resiliency(
      "{retries: {DefaultRetryPolicy: {duration: 10ms, maxRetries: 9}, DefaultAppRetryPolicy: {duration: 10ms, maxRetries: 1}}}",
    ),
  );
  expect((await invoke("orders")).text).toBe("no 2");
  expect(times("/orders")).toBe(2);
});

test("a target with an entry has no default policies", async () => {
  const { invoke } = await withApp(
    resiliency(
      "{timeouts: {long: 1h}, retries: {DefaultAppRetryPolicy: {duration: 10ms, maxRetries: 1}}}",
      "{apps: {shop: {timeout: long}}}",
    ),
  );
  expect((await invoke("orders")).text).toBe("no 1");
});

ours(
  "calls of another app's sidecar, and of one that is not there, are tried as its target says",
  async () => {
    let failures = 2;
    const app = await startApp(() =>
      failures-- > 0 ? { status: 500 } : { status: 200, body: "ok" },
    );
    const { caller } = await startPair(app.port);
    const get = () => caller.call("GET", "/v1.0/invoke/callee/method/x");
    writeFileSync(
      join(caller.resources, "r.yaml"),
      resiliency(
        "{retries: {some: {duration: 10ms, maxRetries: 3}}}",
        "{apps: {callee: {retry: some}, nobody: {retry: some}}}",
      ),
    );
    await caller.logged("Loading Resiliency configuration: calm");
    await waitFor("an answer", async () => (await get()).text === "ok");
    const missing = await caller.call("GET", "/v1.0/invoke/nobody/method/x");
    expect(missing.status).toBe(500);
    await caller.logged(
      "Error processing operation endpoint[nobody, nobody:x]. Retrying in 10ms…",
    );
  },
);

test("an HTTPEndpoint and a URL are targets by their names", async () => {
  const outside = await startApp(({ path }) => ({
    status:
      outside.requests.filter((one) => one.path === path).length > 1
        ? 200
        : 500,
    body: "ok",
  }));
  const url = `http://127.0.0.1:${outside.port}`;
  const sidecar = await startDaprd({
    resources: {
      "e.yaml": `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: outside
spec:
  baseUrl: ${url}
`,
      "r.yaml": resiliency(
        "{retries: {some: {duration: 10ms, maxRetries: 3}}}",
        `{apps: {outside: {retry: some}, "${url}": {retry: some}}}`,
      ),
    },
  });
  for (const [target, path] of [
    ["outside", "a"],
    [encodeURIComponent(url), "b"],
  ]) {
    const reply = await sidecar.call(
      "GET",
      `/v1.0/invoke/${target}/method/${path}`,
    );
    expect([reply.status, reply.text]).toEqual([200, "ok"]);
  }
});

test("over gRPC the same policies have codes of their own", async () => {
  const { sidecar, times } = await withApp(
    resiliency(
      "{timeouts: {none: 1ns}, retries: {some: {duration: 10ms, maxRetries: 2}}, circuitBreakers: {quick: {timeout: 1h, trip: requests > 0}}}",
      "{apps: {shop: {retry: some, circuitBreaker: quick}, late: {timeout: none}}}",
    ),
  );
  const api = openGrpc(sidecar.grpcPort);
  const invoke = (id: string) =>
    api.call("InvokeService", {
      id,
      message: { method: "orders", httpExtension: { verb: "POST" } },
    });
  expect(await invoke("shop")).toMatchObject({ code: 2, text: open });
  expect(times("/orders")).toBe(1);
  expect(await invoke("late")).toMatchObject({
    code: 4,
    text: "context deadline exceeded",
  });
});

test("an output binding is tried again, and its circuit breaker spares its server", async () => {
  const outside = await startApp(() => ({
    status: outside.requests.length === 2 ? 200 : 500,
  }));
  const sidecar = await startDaprd({
    resources: {
      "b.yaml": component("outside", "bindings.http", {
        url: `http://127.0.0.1:${outside.port}`,
      }),
      "r.yaml": resiliency(
        "{retries: {some: {duration: 10ms, maxRetries: 4}}, circuitBreakers: {quick: {timeout: 1h, trip: consecutiveFailures > 2}}}",
        "{components: {outside: {outbound: {retry: some, circuitBreaker: quick}}}}",
      ),
    },
  });
  const send = () =>
    sidecar.call("POST", "/v1.0/bindings/outside", {
      body: JSON.stringify({ operation: "get" }),
    });
  expect((await send()).status).toBe(200);
  expect(outside.requests).toHaveLength(2);
  const refused = await send();
  expect(refused.status).toBe(500);
  expect(refused.text).toContain(open);
  expect(outside.requests).toHaveLength(5);
  await sidecar.logged('"quick-outside" changed state from closed to open');
  await sidecar.logged(
    "Recovered processing operation component[outside] output after 2 attempts",
  );
});

ours(
  "a message of an input binding is delivered again as the inbound policy says, then as the binding does, in its order",
  async () => {
    const bodies: string[] = [];
    const app = await startApp(({ method, body }) => {
      if (method !== "POST") return { status: 200 };
      bodies.push(body);
      // Any success is one, also 201.
      return { status: bodies.length < 5 ? 500 : 201 };
    });
    const sidecar = await startDaprd({
      appPort: app.port,
      until: "ready",
      resources: {
        "orders.yaml": embedded(),
        "r.yaml": resiliency(
          "{retries: {some: {duration: 10ms, maxRetries: 2}}}",
          "{components: {orders: {inbound: {retry: some}}}}",
        ),
      },
    });
    for (const orderId of [1, 2])
      await sidecar.call("POST", "/v1.0/bindings/orders", {
        body: order({ orderId }),
      });
    await waitFor("both orders", () => bodies.length === 6);
    const ids = bodies.map(
      (body) => (JSON.parse(body) as { orderId: number }).orderId,
    );
    expect(ids).toEqual([1, 1, 1, 1, 1, 2]);
    await sidecar.logged(
      "Error processing operation component[orders] input. Retrying in 10ms…",
    );
    // Three tries of the policy, then the binding's own next delivery.
    await sidecar.logged("taken after 1 failed deliveries");
  },
);

ours(
  "an event is delivered again as the inbound policy says, and ends with its time; then it is a dead letter",
  async () => {
    const seen: string[] = [];
    const app = await startApp(async ({ method, path }) => {
      if (method !== "POST") return { status: 404 };
      seen.push(path);
      if (path === "/slow") await new Promise(() => {});
      return { status: path === "/orders" ? 500 : 200 };
    });
    const deadLetters: Record<string, string> = {
      orders: "dead",
      slow: "late",
    };
    const subscription =
      (bus: string) => (topic: string) => `apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata:
  name: ${topic}
spec:
  pubsubname: ${bus}
  topic: ${topic}
  routes: {default: /${topic}}
${deadLetters[topic] ? `  deadLetterTopic: ${deadLetters[topic]}\n` : ""}`;
    const sidecar = await startDaprd({
      appPort: app.port,
      until: "ready",
      resources: {
        // It keeps what is published before somebody subscribes.
        "bus.yaml": fileBus(),
        "clocked.yaml": component("clocked", "pubsub.sqlite", {
          path: "./clocked.db",
        }),
        "s.yaml": [
          ...["orders", "dead"].map(subscription("bus")),
          ...["slow", "late"].map(subscription("clocked")),
        ].join("---\n"),
        "r.yaml": resiliency(
          "{timeouts: {quick: 100ms}, retries: {some: {duration: 10ms, maxRetries: 2}}}",
          "{components: {bus: {inbound: {retry: some}}, clocked: {inbound: {timeout: quick, retry: some}}}}",
        ),
      },
    });
    const publish = (bus: string, topic: string, data: string) =>
      sidecar.call("POST", `/v1.0/publish/${bus}/${topic}`, {
        body: JSON.stringify(data),
      });
    const count = (path: string) => seen.filter((one) => one === path).length;
    await publish("bus", "orders", "bad");
    await waitFor("the dead letter", () => count("/dead") === 1);
    expect(count("/orders")).toBe(3);
    await sidecar.logged(
      "Error processing operation component[bus] input. Retrying in 10ms…",
    );
    await publish("clocked", "slow", "bad");
    // What of it reaches the app within its time is the machine's affair.
    await waitFor("the dead letter", () => count("/late") === 1);
    expect(count("/slow")).toBeLessThanOrEqual(3);
  },
);

ours(
  "a change counts within a moment; a wrong one changes nothing and is told with its place",
  async () => {
    const policy = (retries: number | string) =>
      resiliency(
        `{retries: {some: {duration: 10ms, maxRetries: ${retries}}}}`,
        "{apps: {shop: {retry: some}}}",
      );
    const { sidecar, invoke } = await withApp(policy(1));
    let count = 0;
    const tries = async () => {
      const { text } = await invoke(`m${count++}`);
      return Number(text.slice(3));
    };
    expect(await tries()).toBe(2);
    write(sidecar, policy(3));
    await waitFor("the change", async () => (await tries()) === 4);
    write(sidecar, policy("few"));
    await sidecar.logged(
      'a changed file is not taken: Resiliency "calm": spec.policies.retries.some.maxRetries "few" is no whole number',
    );
    await sidecar.logged("resiliency.yaml:6:59); what is loaded from it stays");
    expect(await tries()).toBe(4);
    rmSync(join(sidecar.resources, "resiliency.yaml"));
    await waitFor("its end", async () => (await tries()) === 1);
  },
);

ours(
  "a target that names no policy is told with its place and the nearest name",
  async () => {
    const { sidecar, invoke } = await withApp(
      resiliency(
        "{retries: {often: {duration: 10ms, maxRetries: 1}}}",
        "{apps: {shop: {retry: oftn}}}",
      ),
    );
    expect((await invoke("x")).text).toBe("no 1");
    await sidecar.logged(
      'Resiliency "calm": there is no retry policy oftn; did you mean often? The target goes without it (',
    );
  },
);

test("a wrong resource at the start counts for nothing, and the sidecar starts", async () => {
  const { sidecar, invoke } = await withApp(
    resiliency("{timeouts: {quick: soon}}", "{apps: {shop: {timeout: quick}}}"),
  );
  expect((await invoke("x")).text).toBe("no 1");
  if (!otherSidecar)
    await sidecar.logged(
      'Resiliency "calm": spec.policies.timeouts.quick: "soon" is not a duration such as 500ms or 1m30s (',
    );
});

ours("metrics tell what the policies do", async () => {
  const { sidecar, invoke } = await withApp(
    resiliency(
      "{timeouts: {long: 1h}, retries: {some: {duration: 10ms, maxRetries: 1}}, circuitBreakers: {quick: {timeout: 1h, trip: consecutiveFailures > 1}}}",
      "{apps: {shop: {timeout: long, retry: some, circuitBreaker: quick}}}",
    ),
  );
  await invoke("x");
  await invoke("x");
  const { text } = await call(sidecar.metricsPort, "GET", "/");
  const told = (policy: string, status = "") =>
    `{app_id="shop",flow_direction="outbound",name="calm",namespace="",policy="${policy}",status="${status}",target="app_shop"}`;
  for (const row of [
    'dapr_resiliency_loaded{app_id="shop",name="calm",namespace=""} 1',
    `dapr_resiliency_count${told("timeout")} 2`,
    `dapr_resiliency_count${told("retry")} 2`,
    `dapr_resiliency_count${told("circuitbreaker", "closed")} 1`,
    `dapr_resiliency_count${told("circuitbreaker", "open")} 1`,
    `dapr_resiliency_activations_total${told("retry")} 1`,
    `dapr_resiliency_activations_total${told("circuitbreaker", "open")} 1`,
    `dapr_resiliency_cb_state${told("circuitbreaker", "open")} 1`,
    `dapr_resiliency_cb_state${told("circuitbreaker", "closed")} 0`,
  ])
    expect(text).toContain(`${row}\n`);
});
