/**
 * State, secrets and invocation: malformed requests from a seeded generator. Each
 * gets its documented error. None changes the store or reaches the app, and the
 * sidecar still works.
 */
import { Agent } from "node:http";
import {
  canary,
  startBlocks,
  type Blocks,
} from "../support/building-blocks.ts";
import { stopAll } from "../support/daprd.ts";
import { inParallel } from "../support/in-parallel.ts";
import {
  drillSeed as seed,
  randomizer,
  type Random,
} from "../support/randomizer.ts";
import { closeApps } from "../support/recording-app.ts";
import { items, statePath } from "../support/state-store.ts";

const secretsPath = "/v1.0/secrets/vault";
let blocks: Blocks;
beforeAll(async () => {
  blocks = await startBlocks();
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

interface Bad {
  method?: string;
  target?: string;
  body?: string;
  headers?: Record<string, string | string[]>;
  /** The status, and a pattern for the answer's text. */
  expected: [status: number, text: RegExp];
}

const malformed: [number, RegExp] = [400, /"ERR_MALFORMED_REQUEST"/];
const noCall: [number, RegExp] = [404, /"ERR_DIRECT_INVOKE"/];
const notInvoked: [number, RegExp] = [
  500,
  /"ERR_DIRECT_INVOKE".*failed to invoke, id: /,
];

const noJson = [
  "",
  " ",
  "{",
  "[",
  '"',
  "nul",
  "[{]",
  "[{},",
  "[{'key':1}]",
  "\uFEFF[]",
  "\0",
  "<xml/>",
  "key=a&value=1",
  "[01]",
  "[NaN]",
];
const wrongTypes = ['"a"', "1", "true", "[1]", "[[]]", '["a"]'];
const path = (random: Random) =>
  encodeURIComponent(random.text(1 + random.below(30)));

const kinds: ((random: Random) => Bad)[] = [
  (random) => ({
    target: random.pick([
      statePath,
      `${statePath}/bulk`,
      `${statePath}/transaction`,
    ]),
    body: random.pick(noJson),
    expected: malformed,
  }),
  (random) => {
    const whole = items({ key: "victim", value: { n: random.below(99) } });
    const cut = 1 + random.below(whole.length - 1);
    return { body: whole.slice(0, cut), expected: malformed };
  },
  (random) => ({
    body: random.pick([...wrongTypes, '{"key":"victim","value":1}']),
    expected: malformed,
  }),
  (random) => ({
    body: `[{"key":"fine","value":1},{"key":${random.pick(["1", "{}", "[]", "true", '""', "null"])},"value":1}]`,
    expected: malformed,
  }),
  (random) => ({
    body: `[{"key":"victim","value":1,${random.pick([
      '"metadata":1',
      '"metadata":{"a":1}',
      '"metadata":[]',
      '"options":1',
      '"options":{"concurrency":1}',
      '"etag":1',
      '"etag":{}',
      '"contentType":1',
    ])}}]`,
    expected: malformed,
  }),
  (random) => ({
    body: items({ key: `a||${random.text(5)}`, value: 1 }),
    expected: [400, /"ERR_MALFORMED_REQUEST".*can't contain '\|\|'/],
  }),
  (random) => ({
    method: random.pick(["GET", "DELETE"]),
    target: `${statePath}/a%7c%7C${path(random)}`,
    expected: [400, /"ERR_MALFORMED_REQUEST".*can't contain '\|\|'/],
  }),
  (random) => ({
    method: random.pick(["GET", "DELETE"]),
    target: `${statePath}/a${random.pick(["%", "%z", "%2", "%zz", "%u0041"])}`,
    expected: [400, /^failed to unescape request parameter "key"/],
  }),
  (random) => ({
    body: `[{"key":"victim","value":1,"options":{"${random.pick(["concurrency", "consistency"])}":"${random.pick(["first", "x", "strong-ish", "FIRST-WRITE"])}"}}]`,
    expected: [500, /"ERR_STATE_SAVE".*unrecognized con/],
  }),
  (random) => ({
    body: `[{"key":"victim","value":1,"metadata":{"ttlInSeconds":"${random.pick(["x", "1.5", "-2", "1e3", "99999999999999999999"])}"}}]`,
    expected: [500, /"ERR_STATE_SAVE"/],
  }),
  (random) => ({
    target: `${statePath}/transaction`,
    body: `{"operations":[{"operation":"upsert","request":{"key":"victim","value":0}},{"operation":${random.pick(['"x"', '""', '"UPSERT"', '"get"'])},"request":{"key":"victim"}}]}`,
    expected: [400, /"ERR_NOT_SUPPORTED_STATE_OPERATION"/],
  }),
  (random) => ({
    target: `${statePath}/transaction`,
    body: `{"operations":[{"operation":"upsert","request":{"key":"victim","value":0}},{"operation":"upsert","request":${random.pick(["1", "[]", '"a"', '{"key":1}', '{"key":"a","metadata":1}', '{"key":"a||b","value":1}'])}}]}`,
    expected: malformed,
  }),
  (random) => ({
    target: `${statePath}/transaction`,
    body: `{"operations":${random.pick(["1", '"a"', "{}", "[1]", "true"])}}`,
    expected: malformed,
  }),
  (random) => ({
    target: `${statePath}/bulk`,
    body: `{"keys":${random.pick(["1", '"a"', "{}", "[1]", "[{}]", "true"])}}`,
    expected: malformed,
  }),
  (random) => ({
    target: `${statePath}/bulk`,
    body: `{"keys":["a"],"parallelism":${random.pick(['"1"', "{}", "1.5", "1e99", "true"])}}`,
    expected: malformed,
  }),
  (random) => {
    const [method, tail] = random.pick([
      ["POST", ""],
      ["PUT", "/bulk"],
      ["POST", "/transaction"],
      ["GET", "/key"],
      ["DELETE", "/key"],
    ] as const);
    return {
      method,
      target: `/v1.0/state/no${path(random)}${tail}`,
      body: "[]",
      expected: [400, /"ERR_STATE_STORE_NOT_FOUND"/],
    };
  },
  (random) => ({
    target: "/v1.0-alpha1/state/statestore/query",
    body: random.pick(["{}", "{", '{"filter":{"EQ":{"a":1}}}']),
    expected: [500, /"ERR_STATE_STORE_NOT_SUPPORTED"/],
  }),
  (random) => ({
    method: "PATCH",
    target: random.pick([statePath, `${statePath}/key`, `${secretsPath}/one`]),
    body: "[]",
    expected: noCall,
  }),
  (random) => ({
    method: "GET",
    target: `${secretsPath}/no${path(random)}`,
    expected: [500, /"ERR_SECRET_GET"/],
  }),
  (random) => ({
    method: "GET",
    target: `/v1.0/secrets/no${path(random)}/${random.pick(["one", "bulk"])}`,
    expected: [401, /"ERR_SECRET_STORE_NOT_FOUND"/],
  }),
  (random) => ({
    method: "GET",
    target: `${secretsPath}/one${random.pick(["%", "%z", "%2"])}`,
    expected: [400, /^failed to unescape request parameter "key"/],
  }),
  (random) => ({
    method: random.pick(["GET", "POST", "DELETE", "PURGE"]),
    target: `/v1.0/invoke/no${random.below(1000)}/method/${path(random)}`,
    body: random.pick([undefined, "{}"]),
    expected: notInvoked,
  }),
  (random) => ({
    target: `/v1.0/invoke/testapp/method/a${random.pick(["%00", "%0d%0aX-A:1", "%23", "%3f", "%7f", "%1b"])}`,
    body: random.text(10),
    expected: notInvoked,
  }),
  (random) => ({
    target: `/v1.0/invoke/testapp/method/a${random.pick(["%zz", "%", "%2"])}`,
    expected: [400, /^failed to unescape request parameter "method"/],
  }),
  (random) => ({
    target: `/${path(random)}`,
    headers: {
      "dapr-app-id": random.pick<string | string[]>([
        "no.such.app",
        ".",
        "testapp.",
        ".testapp",
        "testapp.a.b",
        "no such",
        "%74estapp",
        ["testapp", "other"],
        "http://",
        "https:///a",
        "http://[",
        "http://127.0.0.1:99999",
      ]),
    },
    expected: notInvoked,
  }),
  (random) => ({
    target: random.pick([
      "/v1.0/invoke",
      "/v1.0/invoke/testapp",
      "/v1.0/invoke/testapp/methods/a",
      "/v1.0/invoke//method/a",
      "/v1.0/state",
      "/v1.0/secrets",
      `${secretsPath}/a/b/c`,
    ]),
    method: random.pick(["GET", "POST"]),
    expected: noCall,
  }),
  (random) => ({
    target: random.pick([statePath, "/v1.0/invoke/testapp/method/a"]),
    body: items({ key: "victim", value: 0 }),
    headers: { [`x-${random.below(9)}`]: "a".repeat(8200) },
    expected: [431, /^/],
  }),
];

const requests = 3000;

test(`${requests} malformed requests each get their documented error (seed ${seed})`, async () => {
  const { sidecar } = blocks;
  const random = randomizer(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const wrong: unknown[] = [];
  const one = async (index: number) => {
    const bad = kinds[index % kinds.length]!(random);
    const { method = "POST", target = statePath, body, headers } = bad;
    const [status, text] = bad.expected;
    const reply = await sidecar.call(method, target, {
      body,
      headers,
      agent: status === 431 ? undefined : agent,
    });
    if (reply.status !== status || !text.test(reply.text))
      wrong.push({ ...bad, got: reply.status, text: reply.text });
  };
  await inParallel(requests, 16, one);
  agent.destroy();
  expect(wrong.slice(0, 3)).toEqual([]);

  expect(blocks.calls()).toEqual([]);
  const victim = await sidecar.call("GET", `${statePath}/victim`);
  expect(victim.text).toBe(JSON.stringify(canary));
  const secret = await sidecar.call("GET", `${secretsPath}/one`);
  expect(secret.json()).toEqual({ one: canary });
  const called = await sidecar.call("GET", "/v1.0/invoke/testapp/method/a");
  expect(called.status).toBe(200);
  expect(sidecar.child.exitCode).toBeNull();
  expect(sidecar.output()).not.toMatch(/unexpected (error|rejection)/);
});
