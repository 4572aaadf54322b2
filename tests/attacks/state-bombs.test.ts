/** The state API: malicious JSON, and keys and values that look like commands. */
import { request } from "node:http";
import { join } from "node:path";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { besideHealth, stallLimitMs } from "../support/stall.ts";
import { items, statePath, stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";

let sidecar: Daprd;
beforeAll(async () => {
  const connectionString = join(tempFolder("state-bombs"), "state.db");
  sidecar = await startDaprd({
    resources: { "s.yaml": stateStore("state.sqlite", { connectionString }) },
  });
});
afterAll(stopAll);

async function attack(at: string, body: string) {
  const send = () => sidecar.call("POST", at, { body });
  const { result: reply, stallMs } = await besideHealth(sidecar, send);
  return { reply, stallMs };
}

const value = (text: string) => `[{"key":"bomb","value":${text}}]`;
const many = (count: number, one: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => one(i)).join(",");

test.each([
  [
    "200,000 levels of arrays",
    value("[".repeat(200_000) + "]".repeat(200_000)),
  ],
  ["200,000 levels, never closed", value("[".repeat(200_000))],
  [
    "200,000 levels of objects",
    value('{"a":'.repeat(200_000) + "1" + "}".repeat(200_000)),
  ],
])("%s are refused as too deep", async (_, text) => {
  const { reply, stallMs } = await attack(statePath, text);
  expect(reply.status).toBe(400);
  expect(reply.json()).toEqual({
    errorCode: "ERR_MALFORMED_REQUEST",
    message: "failed deserializing HTTP body: exceeded max depth",
  });
  expect(stallMs).toBeLessThan(stallLimitMs);
});

test.each([
  ["a string of 4 MB", 204, value(JSON.stringify("x".repeat(4_000_000)))],
  [
    "350,000 keys in a value",
    204,
    value(`{${many(350_000, (i) => `"${i.toString(36)}":0`)}}`),
  ],
  ["2,000,000 numbers", 204, value(`[${"0,".repeat(1_900_000)}0]`)],
  [
    "JSON with a syntax error at its very end",
    400,
    value(`[${"0,".repeat(1_900_000)}0`),
  ],
  [
    "10,000 items",
    204,
    `[${many(10_000, (i) => `{"key":"k${i}","value":${i},"metadata":{"a":"b"}}`)}]`,
  ],
  ["300,000 items", 400, `[${many(300_000, () => "{}")}]`],
  [
    "an item with 200,000 entries of metadata",
    400,
    `[{"key":"a","metadata":{${many(200_000, (i) => `"m${i}":""`)}}}]`,
  ],
])("a save of %s does not hold up other requests", async (_, status, text) => {
  const { reply, stallMs } = await attack(statePath, text);
  expect(reply.status).toBe(status);
  expect(stallMs).toBeLessThan(stallLimitMs);
});

const entries = {
  "": (n: number) => `[${many(n, () => '{"key":"a","value":1}')}]`,
  "/bulk": (n: number) => `{"keys":[${many(n, (i) => `"k${i}"`)}]}`,
  "/transaction": (n: number) =>
    `{"operations":[${many(n, () => '{"operation":"delete","request":{"key":"a"}}')}]}`,
};
test.each(Object.entries(entries))(
  "too many entries are refused, and the error says how many there are: %s",
  async (route, body) => {
    for (const count of [10_001, 250_000]) {
      const text = body(count).slice(0, 4_194_304);
      const { reply } = await attack(statePath + route, text);
      expect(reply.status).toBe(400);
      if (text.length < 4_194_304)
        expect(reply.json()).toEqual({
          errorCode: "ERR_MALFORMED_REQUEST",
          message: `${route ? "failed deserializing HTTP body: " : ""}${count} entries are more than 10000; send them in several requests`,
        });
    }
    expect((await attack(statePath + route, body(10_000))).reply.status).toBe(
      route === "/bulk" ? 200 : 204,
    );
  },
);

test("a large bulk get does not hold up other requests", async () => {
  const text = "v".repeat(1_000_000);
  for (let i = 0; i < 20; i++)
    await sidecar.call("POST", statePath, {
      body: items({ key: `big${i}`, value: [text] }),
    });
  const keys = Array.from({ length: 20 }, (_, i) => `big${i}`);
  const { reply, stallMs } = await attack(
    `${statePath}/bulk`,
    JSON.stringify({ keys }),
  );
  expect(reply.status).toBe(200);
  expect(reply.text.length).toBeGreaterThan(20_000_000);
  expect(stallMs).toBeLessThan(stallLimitMs);
});

const onLinux = canReadMemory ? test : test.skip;

onLinux(
  "a large value that is asked for 10,000 times is in memory once, and the memory is freed",
  async () => {
    await sidecar.call("POST", statePath, {
      body: items({ key: "huge", value: "v".repeat(3_000_000) }),
    });
    const before = memoryOf(sidecar.pid).peak;
    const body = JSON.stringify({ keys: Array(10_000).fill("huge") });
    let received = 0;
    // The whole answer would have 30 GB. The caller leaves after enough of it to show in memory.
    await new Promise<void>((resolve, reject) => {
      const asked = request(
        {
          port: sidecar.port,
          method: "POST",
          path: `${statePath}/bulk`,
          headers: { "content-length": Buffer.byteLength(body) },
        },
        (answer) => {
          answer.on("data", (chunk: Buffer) => {
            received += chunk.length;
            if (received < 300_000_000) return;
            answer.destroy();
            resolve();
          });
        },
      );
      asked.on("error", reject);
      asked.end(body);
    });
    expect(memoryOf(sidecar.pid).peak - before).toBeLessThan(200);
    expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
  },
);

test("keys and values that look like SQL are only data", async () => {
  const odd = [
    "x'; DROP TABLE state;--",
    'x" OR 1=1 --',
    "x%' OR '1'='1",
    "__proto__",
    "?1",
    "\u0000nul",
  ];
  for (const text of odd) {
    const saved = await sidecar.call("POST", statePath, {
      body: items({ key: text, value: text }),
    });
    expect(saved.status).toBe(204);
  }
  for (const text of odd) {
    const found = await sidecar.call(
      "GET",
      `${statePath}/${encodeURIComponent(text)}`,
    );
    expect([text, found.json()]).toEqual([text, text]);
  }
  const gone = await sidecar.call(
    "DELETE",
    `${statePath}/${encodeURIComponent(odd[1]!)}`,
  );
  expect(gone.status).toBe(204);
  expect(
    (await sidecar.call("GET", `${statePath}/${encodeURIComponent(odd[0]!)}`))
      .status,
  ).toBe(200);
});
