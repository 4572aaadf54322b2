/** State, secrets and invocation: without the exact token no route reads, changes or calls anything. */
import { connect } from "node:http2";
import {
  blockCalls,
  canary,
  startBlocks,
  type Blocks,
} from "../support/building-blocks.ts";
import { stopAll } from "../support/daprd.ts";
import { closeApps } from "../support/recording-app.ts";
import { statePath } from "../support/state-store.ts";

const token = "correct-horse-battery";
const open = { "dapr-api-token": token };
let blocks: Blocks;
beforeAll(async () => {
  blocks = await startBlocks({ DAPR_API_TOKEN: token }, open);
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});
afterEach(async () => {
  expect(blocks.calls()).toEqual([]);
  const { text } = await blocks.sidecar.call("GET", `${statePath}/victim`, {
    headers: open,
  });
  expect(text).toBe(`"${canary}"`);
});

test.each<[string, Record<string, string | string[]>]>([
  ["absent", {}],
  ["wrong", { "dapr-api-token": "x" }],
  ["right and wrong", { "dapr-api-token": [token, "x"] }],
  ["in the app's header", { "dapr-app-token": token }],
  ["in a forwarded URL", { "x-forwarded-uri": `/?dapr-api-token=${token}` }],
])("a token that is %s opens no route", async (_, headers) => {
  for (const one of blockCalls) {
    const reply = await blocks.sidecar.call(one.method, one.path, {
      body: one.body,
      headers: { ...one.headers, ...headers },
    });
    expect([one, reply.status, reply.text]).toEqual([
      one,
      401,
      "invalid api token",
    ]);
  }
});

test("a wrong token opens no route over HTTP/2 either", async () => {
  const session = connect(`http://127.0.0.1:${blocks.sidecar.port}`);
  try {
    for (const { method, path, headers, body } of blockCalls) {
      const stream = session.request({
        ":method": method,
        ":path": path,
        ...headers,
      });
      stream.end(body);
      const status = await new Promise((resolve, reject) =>
        stream
          .once("response", (head) => resolve(head[":status"]))
          .once("error", reject),
      );
      expect([method, path, status]).toEqual([method, path, 401]);
      stream.close();
    }
  } finally {
    session.destroy();
  }
});

test("a health check needs no token, even if the request names an app", async () => {
  const { status, text } = await blocks.sidecar.call("GET", "/v1.0/healthz", {
    headers: { "dapr-app-id": "testapp" },
  });
  expect([status, text]).toEqual([204, ""]);
});
