/** A component or endpoint whose scopes leave this app out does not exist for it, on every route and protocol. */
import { writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";
import { items, statePath, stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";

const scopes = "scopes:\n  - another\n  - TESTAPP\n  - testapp2\n  - test\n";
let sidecar: Daprd;
let outside: RecordingApp;
beforeAll(async () => {
  const file = join(tempFolder("component-scopes"), "secrets.json");
  writeFileSync(file, '{"one":"canary"}');
  outside = await startApp(() => ({ status: 200, body: "canary" }));
  sidecar = await startDaprd({
    resources: {
      "a.yaml": stateStore("state.in-memory") + "\n" + scopes,
      "b.yaml": stateStore("state.in-memory", {}, "mine"),
      "c.yaml": fileStore("vault", file) + scopes,
      "d.yaml": embedded("orders", {}, { tail: scopes }),
      "e.yaml": `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: outside
spec:
  baseUrl: http://127.0.0.1:${outside.port}
${scopes}`,
    },
  });
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

const notFound: [number, RegExp] = [400, /"ERR_STATE_STORE_NOT_FOUND"/];
const routes: [string, string, string | undefined, [number, RegExp]][] = [
  ["GET", `${statePath}/a`, undefined, notFound],
  ["DELETE", `${statePath}/a`, undefined, notFound],
  ["POST", statePath, items({ key: "a", value: 1 }), notFound],
  ["POST", `${statePath}/bulk`, '{"keys":["a"]}', notFound],
  ["PUT", `${statePath}/transaction`, '{"operations":[]}', notFound],
  ["POST", "/v1.0-alpha1/state/statestore/query", "{}", notFound],
  ["GET", "/v1.0/state/%73tatestore/a", undefined, notFound],
  ["GET", "/v1.0/state/mine/../statestore/a", undefined, notFound],
  [
    "GET",
    "/v1.0/secrets/vault/one",
    undefined,
    [500, /"ERR_SECRET_STORES_NOT_CONFIGURED"/],
  ],
  [
    "GET",
    "/v1.0/secrets/vault/bulk",
    undefined,
    [500, /"ERR_SECRET_STORES_NOT_CONFIGURED"/],
  ],
  [
    "POST",
    "/v1.0/bindings/orders",
    order(1),
    [500, /couldn't find output binding orders/],
  ],
  [
    "GET",
    "/v1.0/invoke/outside/method/a",
    undefined,
    [500, /couldn't find service: outside/],
  ],
];

test.each(routes)(
  "%s %s finds nothing",
  async (method, path, body, [status, text]) => {
    const reply = await sidecar.call(method, path, { body });
    expect([reply.status, reply.text]).toEqual([
      status,
      expect.stringMatching(text),
    ]);
  },
);

test("over HTTP/2 they do not exist either", async () => {
  const session = connect(`http://127.0.0.1:${sidecar.port}`);
  try {
    for (const [method, path, body, [status, text]] of routes) {
      const stream = session.request({ ":method": method, ":path": path });
      stream.end(body);
      let head: number | undefined;
      stream.once("response", (headers) => (head = headers[":status"]));
      const answer = (await stream.setEncoding("utf8").toArray()).join("");
      expect([path, head, answer]).toEqual([
        path,
        status,
        expect.stringMatching(text),
      ]);
    }
  } finally {
    session.destroy();
  }
});

test("the metadata lists none of them, and nothing was called", async () => {
  const { text } = await sidecar.call("GET", "/v1.0/metadata");
  expect(text).toContain('"mine"');
  expect(text).not.toMatch(/statestore|vault|orders|outside/);
  expect(outside.requests).toEqual([]);
});
