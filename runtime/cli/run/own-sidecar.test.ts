import { createServer, type AddressInfo } from "node:net";
import { createServer as createHttpServer, type Server } from "node:http";
import { once } from "node:events";
import type { AppSpec } from "./app-spec.ts";
import { whyNotOwn } from "./own-sidecar.ts";
import { tellSidecar, waitUntilListening, type Session } from "./session.ts";

/** What the other program on the port answers. */
let answer = { status: 200, body: {} as object };
/** What it was sent. */
const written: string[] = [];
let server: Server;
let port: number;

beforeAll(async () => {
  server = createHttpServer((request, response) => {
    if (request.method === "PUT") written.push(request.url!);
    response.writeHead(answer.status).end(JSON.stringify(answer.body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const session = (isListening: () => boolean | undefined): Session =>
  ({
    spec: { "app-id": "orders", "dapr-http-port": port } as AppSpec,
    sidecar: { isListening } as Session["sidecar"],
    saySidecar() {},
    sayApp() {},
  }) satisfies Session;

test("a sidecar of this kit is this run's own once it has told so, whoever listens on the port", async () => {
  answer = { status: 200, body: { id: "orders" } };
  expect(
    await whyNotOwn(
      session(() => false),
      port,
    ),
  ).toEqual(new Error("another program listens there"));
  expect(
    await whyNotOwn(
      session(() => true),
      port,
    ),
  ).toBeUndefined();
});

test.each([
  ["of the app", { id: "orders" }, 200, true],
  [
    "told by this CLI",
    { id: "orders", extended: { cliPID: `${process.pid}` } },
    200,
    true,
  ],
  ["of another app", { id: "shop" }, 200, false],
  ["of another run", { id: "orders", extended: { cliPID: "1" } }, 200, false],
  ["that denies this API", {}, 403, true],
])("a foreign sidecar %s", async (_, body, status, isOwn) => {
  answer = { status, body };
  const error = await whyNotOwn(
    session(() => undefined),
    port,
  );
  expect(error === undefined).toBe(isOwn);
});

test("a port on which nobody listens", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, "close");
  const error = await whyNotOwn(
    session(() => undefined),
    port,
  );
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
});

test("another run's sidecar is neither ready for this one nor told anything", async () => {
  const asked: boolean[] = [];
  const gone = new AbortController();
  const one = session(() => {
    asked.push(true);
    if (asked.length === 3) gone.abort(new Error("it ended"));
    return false;
  });
  answer = { status: 200, body: { id: "orders" } };
  await expect(waitUntilListening(one, gone.signal)).rejects.toThrow();
  await expect(tellSidecar(one, "cliPID", "1", gone.signal)).rejects.toThrow(
    "it ended",
  );
  expect(written).toEqual([]);
});

test("this run's sidecar is told once it listens", async () => {
  let asked = 0;
  const one = session(() => ++asked > 2);
  answer = { status: 200, body: {} };
  expect(
    await tellSidecar(one, "cliPID", "1", new AbortController().signal),
  ).toBe(true);
  expect(written).toEqual(["/v1.0/metadata/cliPID"]);
});
