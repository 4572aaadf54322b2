/** One table of calls, made over HTTP and over gRPC: both have the same outcomes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configuration, fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  asSeen,
  done,
  failed,
  of,
  shortened,
  value,
  type Case,
} from "../support/door-cases.ts";
import { grpcDoor, httpDoor, type Door } from "../support/doors.ts";
import { embedded } from "../support/embedded.ts";
import { closeGrpc } from "../support/grpc-api.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";
import { stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";

let app: RecordingApp;
let sidecar: Daprd;
let doors: Record<"http" | "grpc", Door>;

beforeAll(async () => {
  const folder = tempFolder("doors");
  const secretsFile = join(folder, "secrets.json");
  writeFileSync(
    secretsFile,
    JSON.stringify({ one: "1", hidden: "2", odd: "é\u0000" }),
  );
  const config = join(folder, "config.yaml");
  writeFileSync(
    config,
    configuration(
      "  secrets:\n    scopes:\n      - storeName: vault\n        deniedSecrets: [hidden]\n",
    ),
  );
  app = await startApp(({ path, body, headers }) => {
    const status = /^\/status\/(\d+)/.exec(path)?.[1];
    if (status) return { status: Number(status), body: "the app's words" };
    if (path.startsWith("/echo"))
      return {
        status: 200,
        body: JSON.stringify({
          path,
          body,
          type: headers["content-type"],
          mine: headers["x-mine"],
        }),
        headers: { "content-type": "application/json", "x-app": "yes" },
      };
    return { status: 200 };
  });
  sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    args: ["--config", config],
    resources: {
      "memory.yaml": stateStore("state.in-memory", {}, "memory"),
      "file.yaml": stateStore(
        "state.sqlite",
        { connectionString: join(folder, "state.db") },
        "file",
      ),
      "vault.yaml": fileStore("vault", secretsFile),
      "orders.yaml": embedded("orders"),
    },
  });
  doors = { http: httpDoor(sidecar.port), grpc: grpcDoor(sidecar.grpcPort) };
});
afterAll(async () => {
  closeGrpc();
  await stopAll();
  await closeApps();
});

/** The calls. Each uses keys of its own, so that none depends on another. */
const stateCases = (store: string): Case[] => [
  of(
    "what is saved is read",
    async (door) => {
      await door.save(store, [{ key: "a", value: { n: 1 } }]);
      return door.get(store, "a");
    },
    value({ n: 1 }),
  ),
  of("a key that is not there", (door) => door.get(store, "nothing"), done),
  of(
    "several keys at once",
    async (door) => {
      await door.save(store, [
        { key: "b1", value: 1 },
        { key: "b2", value: [2] },
      ]);
      return door.getBulk(store, ["b1", "b2", "b3", "b1"]);
    },
    value({ b1: 1, b2: [2], b3: undefined }),
  ),
  of(
    "deleting, also what is not there",
    async (door) => {
      await door.save(store, [{ key: "c", value: 1 }]);
      await door.delete(store, { key: "c" });
      await door.delete(store, { key: "c" });
      return door.get(store, "c");
    },
    done,
  ),
  of(
    "an etag that matches",
    async (door) => {
      await door.save(store, [{ key: "d", value: 1 }]);
      const etag = await door.etag(store, "d");
      await door.save(store, [{ key: "d", value: 2, etag }]);
      return door.get(store, "d");
    },
    value(2),
  ),
  of(
    "a first write of two",
    async (door) => {
      await door.save(store, [
        { key: "e", value: 1, options: { concurrency: "first-write" } },
      ]);
      const etag = await door.etag(store, "e");
      await door.save(store, [{ key: "e", value: 2 }]);
      const outcome = await door.save(store, [{ key: "e", value: 3, etag }]);
      return shortened(outcome, /: possible etag mismatch.*/s);
    },
    failed(409, "ABORTED", `failed saving state in state store ${store}`),
  ),
  of(
    "deleting with an etag of before",
    async (door) => {
      await door.save(store, [{ key: "f", value: 1 }]);
      const etag = await door.etag(store, "f");
      await door.save(store, [{ key: "f", value: 2 }]);
      const outcome = await door.delete(store, { key: "f", etag });
      return shortened(outcome, /: possible etag mismatch.*/s);
    },
    failed(409, "ABORTED", "failed deleting state with key f"),
  ),
  of(
    "an etag that the store never gave",
    async (door) => {
      await door.save(store, [{ key: "j", value: 1 }]);
      const outcome = await door.save(store, [
        { key: "j", value: 2, etag: "none of yours" },
      ]);
      return shortened(outcome, /: possible etag mismatch.*/s);
    },
    // These stores take any text as an etag.
    failed(409, "ABORTED", `failed saving state in state store ${store}`),
  ),
  of(
    "a key with ||",
    (door) => door.get(store, "a||b"),
    failed(
      400,
      "INVALID_ARGUMENT",
      "input key/keyPrefix 'a||b' can't contain '||'",
    ),
  ),
  of("no key", (door) => door.save(store, [{ key: "", value: 1 }]), {
    error: {
      http: 400,
      grpc: "INVALID_ARGUMENT",
      text: ['"key" is a required field', "state key cannot be empty"],
    },
  }),
  of(
    "a transaction",
    async (door) => {
      await door.save(store, [{ key: "g1", value: 1 }]);
      await door.transact(store, [
        { operation: "upsert", key: "g2", value: "two" },
        { operation: "delete", key: "g1" },
      ]);
      return door.getBulk(store, ["g1", "g2"]);
    },
    value({ g1: undefined, g2: "two" }),
  ),
  of(
    "an operation that is none",
    (door) => door.transact(store, [{ operation: "insert", key: "h" }]),
    failed(400, "UNIMPLEMENTED", "operation type insert not supported"),
  ),
  of("a query", (door) => door.query(store, "{}"), {
    error: {
      http: 500,
      grpc: "INTERNAL",
      text: "state store does not support querying",
    },
  }),
  of(
    "a time to live that is none",
    async (door) => {
      const outcome = await door.save(store, [
        { key: "i", value: 1, metadata: { ttlInSeconds: "soon" } },
      ]);
      return shortened(outcome, /: .*/s);
    },
    failed(500, "INTERNAL", `failed saving state in state store ${store}`),
  ),
];

const otherCases: Case[] = [
  of(
    "a store that is not there",
    (door) => door.get("nope", "a"),
    failed(400, "INVALID_ARGUMENT", "state store nope is not found"),
  ),
  of("a secret", (door) => door.secret("vault", "one"), value({ one: "1" })),
  of(
    "a secret of odd characters",
    (door) => door.secret("vault", "odd"),
    value({
      odd: "é\u0000",
    }),
  ),
  of(
    "a secret that is not there",
    (door) => door.secret("vault", "two"),
    failed(
      500,
      "INTERNAL",
      "failed getting secret with key two from secret store vault: secret two not found",
    ),
  ),
  of(
    "a secret that a scope denies",
    (door) => door.secret("vault", "hidden"),
    failed(
      403,
      "PERMISSION_DENIED",
      'access denied by policy to get "hidden" from "vault"',
    ),
  ),
  of(
    "all secrets, but those that a scope denies",
    (door) => door.secrets("vault"),
    value({ one: { one: "1" }, odd: { odd: "é\u0000" } }),
  ),
  of(
    "a vault that is not there",
    (door) => door.secret("nope", "a"),
    failed(
      401,
      "INVALID_ARGUMENT",
      "failed finding secret store with key nope",
    ),
  ),
  of(
    "a message for the queue",
    async (door) => {
      const before = app.posts().length;
      const outcome = await door.invokeBinding("orders", "create", {
        orderId: 1,
      });
      await waitForPosts(before + 1);
      const { path, body } = app.posts()[before]!;
      return "error" in outcome ? outcome : value({ path, body });
    },
    value({ path: "/orders", body: '{"orderId":1}' }),
  ),
  of(
    "an operation that the binding lacks",
    (door) => door.invokeBinding("orders", "get", 1),
    failed(
      500,
      "INTERNAL",
      "error invoking output binding orders: binding orders does not support operation get. supported operations:create",
    ),
  ),
  of(
    "a binding that is not there",
    (door) => door.invokeBinding("nope", "create", 1),
    failed(
      500,
      "INTERNAL",
      "error invoking output binding nope: couldn't find output binding nope",
    ),
  ),
  of(
    "an app's answer",
    (door) =>
      door.invokeService("testapp", "POST", "echo/a b?q=1", "hi", {
        "x-mine": "m",
      }),
    value({
      path: "/echo/a%20b?q=1",
      body: "hi",
      type: "text/plain",
      mine: "m",
    }),
  ),
  ...Object.entries({
    400: "INTERNAL",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    418: "UNKNOWN",
    429: "RESOURCE_EXHAUSTED",
    500: "UNKNOWN",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
  }).map(([status, code]) =>
    of(
      `an app that answers ${status}`,
      (door) => door.invokeService("testapp", "GET", `status/${status}`),
      failed(Number(status), code, "the app's words"),
    ),
  ),
  of(
    "an app that is not there",
    async (door) => {
      const outcome = await door.invokeService("nobody", "GET", "a");
      return shortened(outcome, /; is its sidecar.*/);
    },
    failed(
      500,
      "INTERNAL",
      "failed to invoke, id: nobody, err: couldn't find service: nobody",
    ),
  ),
  of(
    "what clients store of the sidecar",
    async (door) => {
      await door.setMetadata("a key", "a value");
      const { extended } = await door.metadata();
      return value(extended["a key"]);
    },
    value("a value"),
  ),
];

const cases = [
  ...["memory", "file"].flatMap((store) =>
    stateCases(store).map((one) => ({
      ...one,
      title: `${store}: ${one.title}`,
    })),
  ),
  ...otherCases,
];

test.each(cases)("$title", async ({ run, expected }) => {
  expect(await run(doors.http)).toEqual(asSeen("http", expected));
  expect(await run(doors.grpc)).toEqual(asSeen("grpc", expected));
});

test("each API reads what the other wrote", async () => {
  for (const store of ["memory", "file"]) {
    await doors.http.save(store, [{ key: "by-http", value: { n: "é" } }]);
    await doors.grpc.save(store, [{ key: "by-grpc", value: { n: "é" } }]);
    expect(await doors.grpc.get(store, "by-http")).toEqual(value({ n: "é" }));
    expect(await doors.http.get(store, "by-grpc")).toEqual(value({ n: "é" }));
  }
});

test("both APIs say the same about the sidecar", async () => {
  expect(await doors.grpc.metadata()).toEqual(await doors.http.metadata());
});

async function waitForPosts(count: number) {
  const { waitFor } = await import("../wait-for.ts");
  await waitFor(`${count} messages`, () => app.posts().length >= count);
}
