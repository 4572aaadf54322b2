/** The app or either sidecar is killed in the middle of a call through two sidecars. Each side notices at once. */
import { once } from "node:events";
import { fork, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { stopAll, type Daprd } from "../support/daprd.ts";
import { startPair } from "../support/sidecar-pair.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const folder = tempFolder("killed-app");
const file = join(folder, "app.cjs");
// A process of its own, so that it can be killed. It prints the requests, and which callers left.
writeFileSync(
  file,
  `const server = require("node:http").createServer((incoming, outgoing) => {
  if (incoming.url.startsWith("/dapr/")) return outgoing.writeHead(404).end();
  if (incoming.url === "/quick") return outgoing.end("quick");
  process.send({ asked: incoming.url });
  outgoing.on("close", () => process.send({ left: incoming.url }));
  if (incoming.url === "/half") outgoing.write("half");
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("disconnect", () => process.exit());
`,
);

let app: ChildProcess;
let told: { asked?: string; left?: string }[];
let caller: Daprd;
let callee: Daprd;

async function startApp() {
  app = fork(file);
  const [{ port }] = (await once(app, "message")) as [{ port: number }];
  told = [];
  app.on("message", (message) => told.push(message as object));
  return port;
}

beforeEach(async () => {
  ({ callee, caller } = await startPair(await startApp()));
});
afterEach(async () => {
  app.kill("SIGKILL");
  await stopAll();
});

/** Sends a call. Resolves with the head of its answer, or rejects when there is none. */
function call(method: string, path: string) {
  const outgoing = request({
    port: caller.port,
    method,
    path: `/v1.0/invoke/callee/method${path}`,
    agent: false,
  });
  const head = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once("response", resolve).once("error", reject),
  );
  head.catch(() => {}); // awaited after the kill
  outgoing.end();
  return head;
}

const textOf = async (incoming: IncomingMessage) =>
  (await incoming.setEncoding("utf8").toArray()).join("");
const asked = (path: string) =>
  waitFor("the app to be asked", () =>
    told.some((message) => message.asked === path),
  );

const victims: [string, () => ChildProcess][] = [
  ["app", () => app],
  ["callee's sidecar", () => callee.child],
];

test.each(victims)(
  "when the %s is killed before its answer, the caller gets 500 at once, and the call is not repeated",
  async (_, victim) => {
    const head = call("POST", "/silent");
    await asked("/silent");
    victim().kill("SIGKILL");
    const reply = await head;
    expect(reply.statusCode).toBe(500);
    expect(JSON.parse(await textOf(reply))).toMatchObject({
      errorCode: "ERR_DIRECT_INVOKE",
      message: expect.stringMatching(
        /^failed to invoke, id: callee, err: /,
      ) as string,
    });
    expect(told.filter((message) => message.asked)).toHaveLength(1);
  },
);

test.each(victims)(
  "when the %s is killed during its answer, the answer breaks off at once and does not look complete",
  async (_, victim) => {
    const reply = await call("GET", "/half");
    expect(reply.statusCode).toBe(200);
    reply.setEncoding("utf8");
    const pieces = reply[Symbol.asyncIterator]();
    expect((await pieces.next()).value).toBe("half");
    const next = pieces.next();
    next.catch(() => {}); // awaited below
    victim().kill("SIGKILL");
    await expect(next).rejects.toThrow(/aborted|ECONNRESET/);
  },
);

test.each(["/silent", "/half"])(
  "when the caller's sidecar is killed while %s is answered, the app's request ends at once",
  async (path) => {
    void call("GET", path).then(
      (reply) => reply.on("error", () => {}).resume(),
      () => {},
    );
    await asked(path);
    caller.child.kill("SIGKILL");
    await waitFor("the app to be let go", () =>
      told.some(({ left }) => left === path),
    );
  },
);

test("after the app is killed between calls, calls fail at once, and succeed once it is back", async () => {
  const quick = async () => {
    const reply = await call("GET", "/quick");
    return `${reply.statusCode} ${await textOf(reply)}`;
  };
  for (let i = 0; i < 5; i++) expect(await quick()).toBe("200 quick");
  const port = Number(/discovered on port (\d+)/.exec(callee.output())![1]);
  app.kill("SIGKILL");
  await once(app, "exit");
  expect(await quick()).toMatch(/^500 .*ECONNREFUSED/);
  writeFileSync(
    join(folder, "again.cjs"),
    `require("node:http").createServer((_, outgoing) => outgoing.end("again")).listen(${port}, "127.0.0.1", () => process.send("up")); process.on("disconnect", () => process.exit());`,
  );
  app = fork(join(folder, "again.cjs"));
  await once(app, "message");
  expect(await quick()).toBe("200 again");
});
