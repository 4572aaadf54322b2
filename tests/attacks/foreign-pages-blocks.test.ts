/** State, secrets and invocation: a web page of another site can read, change and call nothing. */
import {
  blockCalls,
  canary,
  startBlocks,
  type Blocks,
} from "../support/building-blocks.ts";
import { stopAll } from "../support/daprd.ts";
import { closeApps } from "../support/recording-app.ts";
import { statePath } from "../support/state-store.ts";

let blocks: Blocks;
beforeAll(async () => {
  blocks = await startBlocks();
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

test.each<Record<string, string>>([
  { host: "evil.com" },
  { host: "evil.com", "dapr-app-id": "testapp" },
  { origin: "https://evil.com" },
  { origin: "https://evil.com", "content-type": "text/plain" },
  { origin: "null" },
  { "sec-fetch-site": "cross-site" },
  { referer: "https://evil.com/form", "content-type": "text/plain" },
])("%j opens no route", async (headers) => {
  for (const one of blockCalls) {
    const reply = await blocks.sidecar.call(one.method, one.path, {
      body: one.body,
      headers: { ...one.headers, ...headers },
    });
    expect([one, reply.status]).toEqual([one, 403]);
    expect(reply.text).not.toContain(canary);
    expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
  }
  expect(blocks.calls()).toEqual([]);
  const { text } = await blocks.sidecar.call("GET", `${statePath}/victim`);
  expect(text).toBe(`"${canary}"`);
});

test("a CORS preflight for these routes gets no permission", async () => {
  const reply = await blocks.sidecar.call("OPTIONS", `${statePath}/victim`, {
    headers: {
      origin: "https://evil.com",
      "access-control-request-method": "DELETE",
    },
  });
  expect(reply.status).toBe(403);
  expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
});

test("each of these routes does serve a local caller", async () => {
  for (const one of blockCalls) {
    const reply = await blocks.sidecar.call(one.method, one.path, {
      body: one.body,
      headers: one.headers,
    });
    expect([one, [401, 403].includes(reply.status)]).toEqual([one, false]);
  }
  expect(blocks.calls().length).toBeGreaterThan(8);
});
