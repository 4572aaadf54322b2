/**
 * 10,000 malformed requests and 1,000 mutated valid ones from a seeded generator.
 * Each malformed one gets its documented error and does not reach the app, and the
 * sidecar still works. `DAPR_TEST_SEED=n` repeats a run.
 */
import { Agent } from "node:http";
import { connect } from "node:net";
import { stopAll, type Daprd } from "../support/daprd.ts";
import { order } from "../support/embedded.ts";
import { rawCall } from "../support/http.ts";
import { inParallel } from "../support/in-parallel.ts";
import {
  drillSeed as seed,
  randomizer,
  type Random,
} from "../support/randomizer.ts";
import { closeApps, type RecordingApp } from "../support/recording-app.ts";
import { startOrders } from "../support/orders-sidecar.ts";
import { waitFor } from "../wait-for.ts";

const path = "/v1.0/bindings/orders";
let sidecar: Daprd;
let app: RecordingApp;
beforeAll(async () => {
  ({ app, sidecar } = await startOrders());
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

interface Bad {
  method?: string;
  target?: string;
  body?: string;
  headers?: Record<string, string>;
  status: number;
  errorCode?: string;
  message?: RegExp;
}

/** Kinds of requests with right framing but wrong content, each with its documented answer. */
const kinds: ((random: Random) => Bad)[] = [
  (random) => ({
    body: random.pick([
      "",
      " ",
      "{",
      "}",
      '"',
      "nul",
      "{]",
      "[1,",
      '{"operation"',
      "{'a':1}",
      "\uFEFF{}",
      "\0",
      "<xml/>",
      "operation=create",
    ]),
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message: /^failed deserializing HTTP body: /,
  }),
  (random) => {
    const valid = order({ a: [1, { b: "c" }], n: random.below(1000) });
    return {
      body: valid.slice(0, 1 + random.below(valid.length - 1)),
      status: 400,
      errorCode: "ERR_MALFORMED_REQUEST",
      message: /^failed deserializing HTTP body: /,
    };
  },
  (random) => ({
    body: random.pick(["[]", "1", '"create"', "true", "[[]]", "-0.5"]),
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message: /cannot unmarshal (array|number|string|bool) into Go value/,
  }),
  (random) => ({
    body: `{"operation":${random.pick(["1", "{}", "[]", "true", "1.5"])},"data":1}`,
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message:
      /cannot unmarshal \w+ into Go struct field OutputBindingRequest\.operation of type string/,
  }),
  (random) => ({
    body: `{"operation":"create","data":1,"metadata":${random.pick(["1", '"x"', "[]", "true", '{"a":1}', '{"a":{}}', '{"a":[]}'])}}`,
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message: /OutputBindingRequest\.metadata/,
  }),
  (random) => ({
    body: `{"operation":"create","data":${random.pick(["01", "+1", "NaN", "Infinity", ".5", "1.", "0x1"])}}`,
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message: /^failed deserializing HTTP body: /,
  }),
  (random) => ({
    body: random.pick([
      "{}",
      "null",
      '{"data":1}',
      '{"operation":""}',
      '{"operation":null}',
    ]),
    status: 500,
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
    message: /: operation field is missing from request$/,
  }),
  (random) => ({
    body: JSON.stringify({ operation: `x${random.text(random.below(40))}` }),
    status: 500,
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
    message: /does not support operation /,
  }),
  (random) => ({
    target: `/v1.0/bindings/no${encodeURIComponent(random.text(1 + random.below(50)))}`,
    body: order(1),
    status: 500,
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
    message: /couldn't find output binding no/,
  }),
  (random) => ({
    target: `/v1.0/bindings/a${random.pick(["%", "%z", "%2", "%zz", "%%", "%u0041"])}`,
    body: order(1),
    status: 400,
    message: /^failed to unescape request parameter "name"/,
  }),
  (random) => ({
    method: random.pick([
      "GET",
      "DELETE",
      "PATCH",
      "OPTIONS",
      "PROPFIND",
      "PURGE",
    ]),
    status: 404,
    errorCode: "ERR_DIRECT_INVOKE",
  }),
  (random) => ({
    target: random.pick([
      "/",
      "/v1.0",
      "/v1.0/bindings",
      "/v2/bindings/orders",
      `${path}/x`,
      "/..",
      "/%2e%2e/etc/passwd",
      "/v1.0/bindings%2Forders",
      "/?",
      "/v1.0/state",
      `/${encodeURIComponent(random.text(20))}`,
    ]),
    body: order(1),
    status: 404,
    errorCode: "ERR_DIRECT_INVOKE",
  }),
  (random) => ({
    body: order(1),
    headers: {
      baggage: random.pick(["x", "=1", "a b=c", "a=b,,c=d", 'a="', "é=1"]),
    },
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message: /^invalid baggage header: /,
  }),
  (random) => ({
    body: order(1),
    headers: random.pick<Record<string, string>>([
      { host: "evil.com" },
      { origin: "https://evil.com" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
    ]),
    status: 403,
  }),
  (random) => ({
    body: order(1),
    headers: { "x-long": "a".repeat(8200 + random.below(4000)) },
    status: 431,
  }),
  (random) => ({
    body: order("x"),
    headers: {
      "content-length": `${4 * 1024 * 1024 + 1 + random.below(1e9)}`,
      connection: "close",
    },
    status: 400,
    errorCode: "ERR_MALFORMED_REQUEST",
    message: /stream too large$/,
  }),
];

test(`10,000 malformed requests each get their documented error (seed ${seed})`, async () => {
  const random = randomizer(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const wrong: unknown[] = [];
  const one = async (index: number) => {
    const bad = kinds[index % kinds.length]!(random);
    const { method = "POST", target = path, body, headers, status } = bad;
    const isCutOff = headers?.["content-length"] !== undefined;
    const reply = isCutOff
      ? await raw(target, body!, headers!)
      : await sidecar.call(method, target, {
          body,
          headers,
          agent: status === 431 ? undefined : agent,
        });
    const isJson = reply.text.startsWith("{");
    const answer: { errorCode?: string; message: string } =
      isJson && (status >= 500 || bad.errorCode)
        ? JSON.parse(reply.text)
        : { message: reply.text, ...(bad.errorCode ? { errorCode: "" } : {}) };
    if (
      reply.status !== status ||
      ("errorCode" in answer && answer.errorCode !== bad.errorCode) ||
      (bad.message && !bad.message.test(answer.message))
    )
      wrong.push({ bad, got: reply.status, text: reply.text });
  };
  await inParallel(10_000, 16, one);
  agent.destroy();
  expect(wrong.slice(0, 3)).toEqual([]);
  await stillServes();
  expect(app.posts()).toHaveLength(1); // the valid order at the end, and no other
});

/** Sends a request with a Content-Length but without so long a body. */
async function raw(
  target: string,
  body: string,
  headers: Record<string, string>,
) {
  const lines = Object.entries({ host: "localhost", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const { status, body: answer } = await rawCall(
    sidecar.port,
    `POST ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`,
  );
  return { status, text: answer };
}

/** Sends bytes, closes its side of the connection and reads the answer to the end. */
function shoot(bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = "";
    const socket = connect({
      port: sidecar.port,
      host: "127.0.0.1",
      allowHalfOpen: true,
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(
          `seed ${seed}: no end to ${JSON.stringify(bytes.toString("latin1"))}`,
        ),
      );
    }, 600_000);
    socket.setEncoding("latin1").on("data", (data: string) => (all += data));
    socket.on("error", () => {}); // a reset ends it as well
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(all);
    });
    socket.on("end", () => socket.destroy());
    socket.end(bytes);
  });
}

test(`1,000 mutated requests are refused or served, nothing in between (seed ${seed})`, async () => {
  const random = randomizer(seed + 1);
  const before = app.posts().length;
  let served = 0;
  const wrong: unknown[] = [];
  const one = async () => {
    const body = order("mutant");
    const bytes = Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    for (let changes = 1 + random.below(4); changes > 0; changes--)
      bytes[random.below(bytes.length)] = random.below(256);
    const answers = [
      ...(await shoot(bytes)).matchAll(/HTTP\/1\.1 (\d{3}) /g),
    ].map(([, status]) => Number(status));
    served += answers.filter((status) => status === 204).length;
    if (
      !answers.every((status) =>
        [200, 204, 400, 403, 404, 408, 413, 417, 431, 500, 501, 505].includes(
          status,
        ),
      )
    )
      wrong.push({ sent: bytes.toString("latin1"), answers });
  };
  await inParallel(1000, 8, one);
  expect(wrong).toEqual([]);
  // Only what was acknowledged arrives.
  await waitFor(
    "what was acknowledged",
    () => app.posts().length >= before + served,
  );
  await stillServes();
  expect(app.posts().length).toBe(before + served + 1);
});

async function stillServes() {
  const mark = `alive-${app.posts().length}`;
  expect((await sidecar.call("POST", path, { body: order(mark) })).status).toBe(
    204,
  );
  await waitFor(
    "the good order",
    () => app.posts().at(-1)?.body === `"${mark}"`,
  );
  expect(sidecar.child.exitCode).toBeNull();
  expect(sidecar.output()).not.toMatch(/unexpected (error|rejection)/);
}
