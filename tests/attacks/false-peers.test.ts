/** The port for other sidecars: a program on this machine speaks their protocols but is no sidecar. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { request } from "../contracts/peers-contract.ts";
import { configuration } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";
import { openGrpcPeers, openPeers } from "../support/peers.ts";
import { peerPort } from "../support/sidecar-pair.ts";
import { tempFolder } from "../support/temp-folder.ts";

const folder = tempFolder("false-peers");
const registry = join(folder, "registry");
const env = { DAPR_REGISTRY_PATH: registry };
const closed = join(folder, "closed.yaml");
writeFileSync(
  closed,
  configuration(`  accessControl:
    defaultAction: deny
    trustDomain: public
    policies:
      - appId: trusted
        defaultAction: allow
        trustDomain: public
        namespace: default
`),
);

let app: RecordingApp;
let callee: Daprd;
let port: number;
async function start(args: string[] = []) {
  app = await startApp(() => ({ status: 200, body: "secret" }));
  callee = await startDaprd({
    appId: "callee",
    appPort: app.port,
    until: "ready",
    env: { ...env, APP_API_TOKEN: "canary-app", DAPR_API_TOKEN: "canary-api" },
    args,
  });
  port = await peerPort(callee);
}
afterEach(async () => {
  await stopAll();
  await closeApps();
});

/** Resolves with everything that comes back for these bytes. */
const exchange = (bytes: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let all = "";
    socket.setEncoding("latin1").on("data", (text: string) => (all += text));
    socket.on("close", () => resolve(all));
    socket.on("error", reject);
    socket.write(Buffer.from(bytes, "latin1"));
  });

const head = (path: string, more = "", method = "GET") =>
  `${method} ${path} HTTP/1.1\r\nHost: dapr-sidecar\r\ndapr-peer: 1\r\nConnection: close\r\n${more}\r\n`;
const claims = [
  "dapr-caller-app-id: trusted\r\n",
  "dapr-caller-namespace: default\r\n",
  "x-forwarded-client-cert: URI=spiffe://public/ns/default/trusted\r\n",
  "dapr-callee-app-id: callee\r\n",
].join("");

/** From now on callers find the callee at another port. */
function leadThrough(wirePort: number) {
  for (const name of readdirSync(registry)) {
    const file = join(registry, name);
    const entry = JSON.parse(readFileSync(file, "utf8")) as { appId: string };
    if (entry.appId === "callee")
      writeFileSync(file, JSON.stringify({ ...entry, port: wirePort }));
  }
}

test("a caller that claims to be a trusted app does not pass access control", async () => {
  await start([`--config=${closed}`]);
  expect(await exchange(head("/a", claims))).toMatch(/dapr-peer: 1; denied/);
  expect(await exchange(head("/x/../a", claims, "POST"))).toMatch(
    /dapr-peer: 1; denied/,
  );
  const headers = claims
    .split("\r\n")
    .filter(Boolean)
    .flatMap((line) => line.split(": "));
  for (const peers of [openPeers(), openGrpcPeers()]) {
    await expect(
      peers.call({ host: "127.0.0.1", port }, request({ headers })),
    ).rejects.toMatchObject({ kind: "denied" });
    await peers.close();
  }
  expect(app.requests).toEqual([]);
});

test("a path is brought to its canonical form here too, whoever sends it", async () => {
  await start();
  for (const [sent, seen] of [
    ["/x/../a", "/a"],
    ["/x/%2e%2e/a", "/a"],
    ["/..%2f..%2fa", "/a"],
    ["//a//b", "/a/b"],
    ["/%61", "/a"],
    ["/a?x=../b", "/a?x=../b"],
  ] as const) {
    expect(await exchange(head(sent))).toContain("secret");
    expect(app.requests.at(-1)!.path).toBe(seen);
  }
  app.requests.length = 0;
  for (const bad of ["/a%00", "/a%0d%0ax:1", "/a%23", "/a%3fb", "/a%zz"])
    expect(await exchange(head(bad))).toMatch(/dapr-peer: 1; invalid/);
  for (const bad of ["a", "/a\tb", "/a\0", "/a HTTP/1.1\r\nx: y"])
    expect(await exchange(head(bad))).not.toContain("secret");
  expect(await exchange(head("http://evil.com/a"))).not.toMatch(/evil/);
  for (const { path, headers } of app.requests)
    expect([path, headers.host]).toEqual([
      expect.stringMatching(/^\//),
      `127.0.0.1:${app.port}`,
    ]);
});

test("a request that two servers could read differently reaches no app", async () => {
  await start();
  for (const bad of [
    head("/a", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "POST") +
      "0\r\n\r\nGET /hidden",
    head("/a", "Content-Length: 0\r\nContent-Length: 5\r\n", "POST") + "hello",
    head("/a", "X-A: b\r\n c\r\n"),
    head("/a", "X-A: b\rX-B: c\r\n"),
    head("/a", "Transfer-Encoding: chunked, identity\r\n", "POST") + "hello",
    head("/a", "X-A : b\r\n"),
    head("/a", "X-A: b\0\r\n"),
  ])
    expect(await exchange(bad)).toMatch(/^HTTP\/1\.1 400 /);
  expect(app.requests).toEqual([]);
  await exchange(
    head(
      "/a",
      "Connection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-Kept: 1\r\n",
    ),
  );
  expect(app.requests[0]!.headers).toMatchObject({ "x-kept": "1" });
  expect(app.requests[0]!.headers).not.toHaveProperty("x-hop");
  expect(app.requests[0]!.headers).not.toHaveProperty("dapr-peer");
});

test("the app's token goes to the app alone, and no other token leaves its sidecar", async () => {
  await start();
  const answer = await exchange(
    head("/a", "dapr-api-token: guessed\r\ndapr-api-token: twice\r\n"),
  );
  expect(answer).not.toContain("canary");
  expect(app.requests[0]!.headers["dapr-api-token"]).toBe("canary-app");
  expect(callee.output()).not.toMatch(/canary-a/);
  // In the other direction: every byte that a calling sidecar sends to a peer.
  const sent: string[] = [];
  const wire = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    from.on("data", (bytes) => sent.push(bytes.toString("latin1")));
    from.pipe(to).pipe(from);
    for (const socket of [from, to]) socket.on("error", () => {});
  });
  await new Promise<void>((done) => wire.listen(0, "127.0.0.1", done));
  leadThrough((wire.address() as AddressInfo).port);
  const caller = await startDaprd({
    appId: "caller",
    env: { ...env, DAPR_API_TOKEN: "canary-mine", APP_API_TOKEN: "canary-own" },
  });
  const reply = await caller.call("POST", "/v1.0/invoke/callee/method/a", {
    headers: {
      "dapr-api-token": "canary-mine",
      "dapr-caller-app-id": "trusted",
    },
    body: "{}",
  });
  expect([reply.status, reply.text]).toEqual([200, "secret"]);
  expect(sent.join("")).toContain("caller");
  expect(sent.join("")).not.toMatch(/canary|trusted/);
  expect(JSON.stringify(reply)).not.toContain("canary");
  expect(JSON.stringify(app.requests)).not.toMatch(/canary-(api|mine|own)/);
  await caller.stop();
  await new Promise((done) => wire.close(done));
});
