/** The apps of hello-world and hello-kubernetes: what they send to a sidecar, and what they print when it refuses. */
import { once } from "node:events";
import { call } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";
import {
  standInSidecar,
  startListeningApp,
  startTutorialApp,
} from "../support/tutorial-app.ts";
import { waitFor } from "../wait-for.ts";

const sidecar = standInSidecar();

const asked = () =>
  sidecar.requests.map(({ method, path }) => `${method} ${path}`);

const start = (
  folder: string,
  args: string[],
  env: Record<string, string> = {},
) => startTutorialApp(folder, args, { ...sidecar.env, ...env });

const startNodeapp = (env: Record<string, string> = {}) =>
  startListeningApp("nodeapp", ["app.ts"], { ...sidecar.env, ...env });

const post = (port: number, order: unknown) =>
  call(port, "POST", "/neworder", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  });

describe("nodeapp", () => {
  let app: Awaited<ReturnType<typeof startNodeapp>>;

  beforeAll(async () => {
    app = await startNodeapp({ DAPR_GRPC_PORT: "50007" });
  });

  test("POST /neworder saves the order's data under the key order", async () => {
    const reply = await post(app.port, { data: { orderId: 7 } });
    expect(reply).toMatchObject({ status: 200, text: "" });
    expect(asked()).toEqual(["POST /v1.0/state/statestore"]);
    expect(sidecar.requests[0]).toMatchObject({
      headers: { "content-type": "application/json" },
      body: '[{"key":"order","value":{"orderId":7}}]',
    });
    await app.prints(
      "Got a new order! Order ID: 7\nSuccessfully persisted state.\n",
    );
  });

  test("GET /order returns the state, or that there is none", async () => {
    sidecar.answer = { status: 200, body: '{"orderId":7}' };
    const found = await call(app.port, "GET", "/order");
    expect(found).toMatchObject({ status: 200, text: '{"orderId":7}' });
    expect(found.headers["content-type"]).toMatch(/^application\/json/);
    sidecar.answer = { status: 204 };
    const none = await call(app.port, "GET", "/order");
    expect(none).toMatchObject({ status: 204, text: "" });
    const path = "GET /v1.0/state/statestore/order";
    expect(asked()).toEqual([path, path]);
  });

  test("DELETE /order deletes it", async () => {
    expect((await call(app.port, "DELETE", "/order")).status).toBe(204);
    expect(asked()).toEqual(["DELETE /v1.0/state/statestore/order"]);
    await app.prints("Deleted the order.\n");
  });

  test("GET /ports returns the sidecar's ports", async () => {
    expect((await call(app.port, "GET", "/ports")).json()).toEqual({
      DAPR_HTTP_PORT: `${sidecar.port}`,
      DAPR_GRPC_PORT: "50007",
    });
  });

  test("when the sidecar refuses, the caller gets a 500 with the reason, which is also printed", async () => {
    sidecar.answer = { status: 500, body: '{"errorCode":"ERR_STATE_SAVE"}' };
    const why = 'Failed to persist state: 500 {"errorCode":"ERR_STATE_SAVE"}';
    const reply = await post(app.port, { data: { orderId: 8 } });
    expect(reply.status).toBe(500);
    expect(reply.json()).toEqual({ message: why });
    await app.prints(`Order ID: 8\n${why}\n`);
  });

  test.each([{}, { data: {} }, { data: null }, { data: { orderId: null } }])(
    "%j is refused as an order",
    async (order) => {
      expect((await post(app.port, order)).status).toBe(400);
      expect(asked()).toEqual([]);
    },
  );

  test("an order without a content type is refused, and the answer names the header", async () => {
    const body = '{"data":{"orderId":7}}';
    const reply = await call(app.port, "POST", "/neworder", { body });
    expect(reply.status).toBe(400);
    expect(reply.json()).toEqual({
      message:
        'Send {"data": {"orderId": 42}} with the header Content-Type: application/json.',
    });
  });

  test.each([
    [400, "JSON", "application/json", "{bad"],
    [400, "JSON", "application/json", "null"],
    [415, "unsupported charset", "application/json; charset=latin9", "{}"],
    [413, "too large", "application/json", `"${"x".repeat(101 * 1024)}"`],
  ])(
    "a body that cannot be read gets a %d, and one line is printed (%s)",
    async (status, why, type, body) => {
      for (const path of ["/neworder", "/sample-topic"]) {
        const before = app.printed().length;
        const headers = { "content-type": type };
        const reply = await call(app.port, "POST", path, { headers, body });
        expect(reply.status).toBe(status);
        const { message } = reply.json() as { message: string };
        expect(message).toContain(why);
        const printed = () => app.printed().slice(before);
        await waitFor("a line", () => printed().endsWith("\n"));
        expect(printed()).toBe(`${message}\n`);
      }
    },
  );

  test("DAPR_API_TOKEN is sent to the sidecar", async () => {
    const asking = await startNodeapp({ DAPR_API_TOKEN: "abc" });
    await post(asking.port, { data: { orderId: 7 } });
    await call(asking.port, "GET", "/order");
    for (const { headers } of sidecar.requests)
      expect(headers["dapr-api-token"]).toBe("abc");
    expect(sidecar.requests[0]?.headers["content-type"]).toBe(
      "application/json",
    );
  });

  test("the error about a taken port says how to use another", async () => {
    const { child } = start("nodeapp", ["app.ts"], { APP_PORT: `${app.port}` });
    let said = "";
    child.stderr!.on("data", (chunk) => (said += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(1);
    expect(said).toMatch(
      /^Cannot listen on port \d+: .* by --app-port with "dapr run", .* by APP_PORT\.\n$/,
    );
  });

  test("the error about a missing sidecar names its address", async () => {
    const [nowhere = 0] = await freePorts(1);
    const alone = await startNodeapp({ DAPR_HTTP_PORT: `${nowhere}` });
    const reply = await post(alone.port, { data: { orderId: 9 } });
    expect(reply.status).toBe(500);
    expect(reply.text).toContain(
      `Failed to persist state: no answer from http://localhost:${nowhere}/v1.0/state/statestore: ECONNREFUSED`,
    );
  });
});

describe("producerapp", () => {
  test.each([
    [[], "POST /neworder", "nodeapp"],
    [["--by-url"], "POST /v1.0/invoke/nodeapp/method/neworder", undefined],
  ])(
    "neworder.ts %j sends to %s, with dapr-app-id %s",
    async (args, what, header) => {
      sidecar.answer = { status: 200 };
      const app = start("producerapp", ["neworder.ts", ...args]);
      await app.prints("Response for order 2: 200\n");
      app.child.kill();
      await once(app.child, "close");
      // By now a third order may have been sent.
      expect(app.printed()).toContain(
        "{ data: { orderId: 1 } }\nResponse for order 1: 200\n{ data: { orderId: 2 } }\nResponse for order 2: 200\n",
      );
      expect(new Set(asked())).toEqual(new Set([what]));
      expect(sidecar.requests.length).toBeGreaterThanOrEqual(2);
      for (const [index, { headers, body }] of sidecar.requests.entries()) {
        expect(headers["dapr-app-id"]).toBe(header);
        expect(body).toBe(`{"data":{"orderId":${index + 1}}}`);
      }
    },
  );

  test.each(["app.ts", "neworder.ts"])(
    "%s sends DAPR_API_TOKEN to its sidecar",
    async (file) => {
      sidecar.answer = { status: 200 };
      const app = start("producerapp", [file], { DAPR_API_TOKEN: "abc" });
      await app.prints("Response for order 1: 200\n");
      app.child.kill();
      expect(sidecar.requests[0]?.headers).toMatchObject({
        "content-type": "application/json",
        "dapr-api-token": "abc",
      });
    },
  );

  test("an order that was refused is sent again", async () => {
    sidecar.answer = { status: 500, body: "not up yet" };
    const app = start("producerapp", ["neworder.ts"]);
    await app.prints("Response for order 1: 500 not up yet\n");
    sidecar.answer = { status: 200 };
    await app.prints("Response for order 1: 200\n");
    app.child.kill();
  });
});
