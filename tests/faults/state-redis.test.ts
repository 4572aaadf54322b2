/** state.redis when many write at once, a replica hangs, memory is full, or the component names something that does not exist. */
import { Redis } from "ioredis";
import { createServer, type AddressInfo } from "node:net";
import {
  GenericContainer,
  getContainerRuntimeClient,
  Wait,
} from "testcontainers";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";
import { waitFor } from "../wait-for.ts";

let redis: RedisContainer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());
afterEach(stopAll);

const start = (
  metadata: Record<string, string> = {},
  until: "outbound" | "nothing" = "outbound",
): Promise<Daprd> =>
  startDaprd({
    appId: "orders",
    until,
    resources: {
      "orders.yaml": component("orders", "state.redis", {
        redisHost: redis.address,
        ...metadata,
      }),
    },
  });

const path = "/v1.0/state/orders";
const post = (sidecar: Daprd, to: string, body: unknown) =>
  sidecar.call("POST", `${path}${to}`, { body: JSON.stringify(body) });
const save = (sidecar: Daprd, key: string, value: unknown, more = {}) =>
  post(sidecar, "", [{ key, value, ...more }]);
const read = (sidecar: Daprd, key: string) =>
  sidecar.call("GET", `${path}/${key}`);
const upsert = (key: string, value: unknown, more = {}) => ({
  operation: "upsert",
  request: { key, value, ...more },
});
const strong = { options: { consistency: "strong" } };

test("while a replica hangs, strong saves wait for it, and other requests do not wait for them", async () => {
  const [first, second] = (await freePorts(2)) as [number, number];
  const server = (line: string) =>
    new GenericContainer("redis:7")
      .withNetworkMode("host")
      .withEntrypoint(["redis-server"])
      .withCommand([...line.split(" "), "--save", ""])
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
      .start();
  const primary = await server(`--port ${first}`);
  const replica = await server(
    `--port ${second} --replicaof 127.0.0.1 ${first} --repl-diskless-sync-delay 0`,
  );
  const client = await getContainerRuntimeClient();
  const raw = client.container.getById(replica.getId());
  const admin = new Redis(second);
  const held = new Redis(first);
  try {
    await waitFor("the replica", async () =>
      (await admin.info("replication")).includes("master_link_status:up"),
    );
    const sidecar = await start({ redisHost: `127.0.0.1:${first}` });
    // The replica has every strong save that was acknowledged.
    for (let i = 0; i < 20; i++) {
      expect((await save(sidecar, "s", i, strong)).status).toBe(204);
      expect(await admin.hget("orders||s", "data")).toBe(`${i}`);
    }
    expect((await save(sidecar, "r", 0)).status).toBe(204);
    await raw.pause();
    const isHeld = async () =>
      /blocked_clients:[1-9]/.test(await held.info("clients"));
    /** Whether a read and a save are answered while a strong save waits. */
    async function goesOn(round: number) {
      let isOver = false;
      const waiting = Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          save(sidecar, `s${i}`, round, strong).finally(() => (isOver = true)),
        ),
      );
      await waitFor("a WAIT", async () => isOver || (await isHeld()));
      expect((await read(sidecar, "r")).json()).toBe(0);
      expect((await save(sidecar, "p", round)).status).toBe(204);
      const wasInTime = !isOver;
      for (const { status } of await waiting) expect(status).toBe(204);
      return wasInTime;
    }
    let round = 0;
    // On a busy machine they may take longer than the strong save waits for the replica.
    await waitFor(
      "others to be served meanwhile",
      () => goesOn(++round),
      60_000,
    );
    for (let i = 0; i < 8; i++)
      expect((await read(sidecar, `s${i}`)).json()).toBe(round);
    // An outdated etag is refused at once, and a delete can be strong too.
    const refused = await save(sidecar, "r", 1, { etag: "7", ...strong });
    expect(refused.status).toBe(409);
    await raw.unpause();
    await waitFor(
      "the replica to catch up",
      async () => (await admin.hget("orders||s7", "data")) === `${round}`,
    );
  } finally {
    await raw.unpause().catch(() => {}); // it may run already
    for (const client of [admin, held]) client.disconnect();
    await replica.stop();
    await primary.stop();
  }
});

test("a key that is deleted and saved all the time is read whole or not at all, and two keys of one transaction are read together", async () => {
  const [one, two] = await Promise.all([start(), start()]);
  let isOver = false;
  const statuses = new Map<number, number>();
  const torn: unknown[] = [];
  const writers = Array.from({ length: 4 }, async (_, i) => {
    for (let n = 0; n < 60; n++) {
      await save(one, "flip", n);
      await one.call("DELETE", `${path}/flip`);
      const operations = [
        upsert("left", n * 4 + i),
        upsert("right", n * 4 + i),
      ];
      expect((await post(one, "/transaction", { operations })).status).toBe(
        204,
      );
    }
  });
  const readers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { status, text } = await read(two, "flip");
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 500) torn.push(text);
      const bulk = await post(two, "/bulk", {
        keys: ["left", "flip", "none", "right"],
      });
      expect(bulk.status).toBe(200);
      const [left, flip, , right] = bulk.json() as {
        data?: number;
        error?: string;
      }[];
      if (left!.data !== right!.data || flip!.error) torn.push(bulk.text);
    }
  });
  await Promise.all(writers);
  isOver = true;
  await Promise.all(readers);
  expect(torn).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(0);
  expect(statuses.get(204)).toBeGreaterThan(0);
});

test("last-write accepts an old etag, in a save and in a transaction, and a guarded key gets 409", async () => {
  const sidecar = await start();
  await save(sidecar, "last", 1);
  await save(sidecar, "last", 2);
  const lastWrite = { etag: "1", options: { concurrency: "last-write" } };
  expect((await save(sidecar, "last", 3, lastWrite)).status).toBe(204);
  const operations = [upsert("last", 4, lastWrite)];
  expect((await post(sidecar, "/transaction", { operations })).status).toBe(
    204,
  );
  expect((await read(sidecar, "last")).json()).toBe(4);
  const firstWrite = { options: { concurrency: "first-write" } };
  expect((await save(sidecar, "guarded", 1, firstWrite)).status).toBe(204);
  for (const more of [firstWrite, {}]) {
    const { status, text } = await save(sidecar, "guarded", 2, more);
    expect(status).toBe(409);
    expect(text).toContain("possible etag mismatch");
  }
});

test("when memory is full, errors of saves and transactions say so, and deletes pass", async () => {
  const full = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
  try {
    const sidecar = await start({ redisHost: full.address });
    expect((await save(sidecar, "a", 1)).status).toBe(204);
    await full.admin.config("SET", "maxmemory", "1");
    for (const reply of [
      await save(sidecar, "b", 1),
      await post(sidecar, "/transaction", {
        operations: [upsert("b", 1), upsert("c", 1)],
      }),
    ]) {
      expect(reply.status).toBe(500);
      expect(reply.text).toMatch(
        /redis at 127.0.0.1:\d+: its memory is full; delete something, or raise maxmemory \(.*OOM/,
      );
    }
    expect((await read(sidecar, "a")).json()).toBe(1);
    expect((await sidecar.call("DELETE", `${path}/a`)).status).toBe(204);
  } finally {
    await full.stop();
  }
});

test("the error of a get that was cut off does not say that it may have been done", async () => {
  const sidecar = await start({ readTimeout: "500ms", redisMaxRetries: "0" });
  expect((await save(sidecar, "cut", 1)).status).toBe(204);
  await redis.pause();
  try {
    const [got, saved] = await Promise.all([
      read(sidecar, "cut"),
      save(sidecar, "cut", 2),
    ]);
    expect(got.status).toBe(500);
    expect(got.text).toContain("was lost before it answered");
    expect(got.text).not.toContain("may have been done");
    expect(saved.text).toContain("may have been done or not");
    for (const { text } of [got, saved])
      expect(text).toContain(
        "no answer for 0.5 s; look at the server, or raise readTimeout",
      );
  } finally {
    await redis.unpause();
  }
});

test("when the server ends a connection later on, the error does not suggest TLS", async () => {
  const sidecar = await start({ redisMaxRetries: "0" });
  await redis.admin.client("PAUSE", 60_000, "WRITE");
  try {
    const saved = save(sidecar, "ended", 1);
    await waitFor("the save to be held", async () =>
      /blocked_clients:[1-9]/.test(await redis.admin.info("clients")),
    );
    await redis.admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    const { status, text } = await saved;
    expect(status).toBe(500);
    expect(text).toMatch(
      /may have been done or not: the server ended the connection"/,
    );
  } finally {
    await redis.admin.client("UNPAUSE");
  }
});

test("the errors about a host that does not resolve, and about TLS on one side only, and about another kind of server, say so", async () => {
  const lost = await start({ redisHost: "no.such.invalid:1" });
  expect((await read(lost, "a")).text).toMatch(
    /no\.such\.invalid:1 can't be reached: the host name does not resolve .*redisHost/,
  );
  // Redis takes the TLS handshake for a command and waits for the rest of it.
  const tls = await start({ enableTLS: "true", dialTimeout: "1s" });
  await tls.logged("if it speaks no TLS, set enableTLS to false");
  const other = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo;
  const mistaken = await start({ redisHost: `127.0.0.1:${port}` });
  await mistaken.logged("answers in another protocol; name Redis' own port");
  other.close();
});

test("the errors about a missing password and a missing database say what to set", async () => {
  const guarded = await startRedis({
    args: ["--requirepass", "canary-4711"],
    password: "canary-4711",
  });
  try {
    const none = await start({ redisHost: guarded.address }, "nothing");
    expect((await none.exited).code).toBe(1);
    expect(none.output()).toMatch(/NOAUTH.*; set redisPassword/);
    const wrong = await start(
      { redisHost: guarded.address, redisPassword: "canary-0815" },
      "nothing",
    );
    expect((await wrong.exited).code).toBe(1);
    expect(wrong.output()).toMatch(/WRONGPASS.*; correct redisUsername and/);
    expect(wrong.output()).not.toContain("canary-0815");
  } finally {
    await guarded.stop();
  }
  const none = await start({ redisDB: "99" }, "nothing");
  expect((await none.exited).code).toBe(1);
  expect(none.output()).toContain("out of range; correct redisDB");
});

test("a user who may not run scripts is a warning at the start, and can still read", async () => {
  const writer = await start();
  for (const key of ["a", "b"])
    expect((await save(writer, key, 1)).status).toBe(204);
  await redis.admin.call(
    ...("ACL SETUSER clerk on >canary-4711 ~* +@read +@connection +info".split(
      " ",
    ) as [string, ...string[]]),
  );
  const reader = await start({
    redisUsername: "clerk",
    redisPassword: "canary-4711",
  });
  await reader.logged("the user may not run scripts");
  expect((await read(reader, "a")).json()).toBe(1);
  expect((await read(reader, "none")).status).toBe(204);
  const bulk = await post(reader, "/bulk", { keys: ["a", "none", "b"] });
  expect((bulk.json() as { data?: number }[]).map(({ data }) => data)).toEqual([
    1,
    undefined,
    1,
  ]);
  const refused = await save(reader, "a", 2);
  expect(refused.status).toBe(500);
  expect(refused.text).toContain("the user may not do that; see ACL SETUSER");
});
