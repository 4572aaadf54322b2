/** PostgreSQL restarts, cuts connections, starts late or refuses the password. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  postgresPassword,
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import { waitFor } from "../wait-for.ts";

let postgres: PostgresContainer;
let sidecar: Daprd;

const start = (
  connection: string,
  until: "outbound" | "nothing" = "outbound",
) =>
  startDaprd({
    resources: {
      "orders.yaml": component(
        "orders",
        "state.postgresql",
        { connectionString: connection },
        { version: "v2" },
      ),
    },
    until,
  });

const path = "/v1.0/state/orders";
const save = (key: string, value: unknown, etag?: string) =>
  sidecar.call("POST", path, {
    body: JSON.stringify([{ key, value, ...(etag ? { etag } : {}) }]),
  });
const read = (key: string) => sidecar.call("GET", `${path}/${key}`);
const etagOf = (reply: { headers: Record<string, unknown> }) =>
  String(reply.headers["etag"]).replaceAll('"', "");

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());
afterEach(stopAll);

/** Counts a key up by etag, one save after the other, until `isOver()`. Calls `passed` for each acknowledged save. */
async function count(
  key: string,
  isOver: () => boolean,
  passed: () => void = () => {},
) {
  const refusals: string[] = [];
  let value = 0;
  let acked = 0;
  expect((await save(key, 0)).status).toBe(204);
  while (!isOver()) {
    const found = await waitFor("an answer", async () => {
      const reply = await read(key);
      return reply.status === 200 ? reply : undefined;
    });
    const now = found.json() as number;
    // The stored number is the last acknowledged one, or one more whose answer was lost.
    expect(now).toBeGreaterThanOrEqual(value);
    expect(now).toBeLessThanOrEqual(value + 1);
    value = now;
    const reply = await save(key, value + 1, etagOf(found));
    if (reply.status === 204) {
      value++;
      acked++;
      passed();
    } else {
      expect(reply.status).toBe(500);
      refusals.push(reply.text);
    }
  }
  return { value, acked, refusals };
}

/** Writes the same number to two keys, in one transaction after the other. */
async function transact(isOver: () => boolean) {
  for (let n = 1; !isOver(); n++) {
    const operations = Array.from({ length: 20 }, (_, i) => ({
      operation: "upsert",
      request: { key: `both-${i}`, value: n },
    }));
    const reply = await sidecar.call("POST", `${path}/transaction`, {
      body: JSON.stringify({ operations }),
    });
    expect([204, 500]).toContain(reply.status);
    const [first, last] = [await read("both-0"), await read("both-19")];
    if (first.status === 200 && last.status === 200)
      expect(first.text).toBe(last.text);
  }
}

test("when PostgreSQL is killed during saves, every 204 is there afterwards, no save is done twice, and work resumes", async () => {
  sidecar = await start(postgres.url());
  let isOver = false;
  const keys = Array.from({ length: 8 }, (_, i) => `restart-${i}`);
  const acks = keys.map(() => 0);
  const counting = keys.map((key, i) =>
    count(
      key,
      () => isOver,
      () => acks[i]!++,
    ),
  );
  /** Resolves after so many more saves of each key. */
  const saves = (more: number) => {
    const before = [...acks];
    return waitFor(
      `${more} saves of each key`,
      () => acks.every((n, i) => n >= before[i]! + more),
      60_000,
    );
  };
  for (let round = 0; round < 2; round++) {
    await saves(5); // so that each kill hits some
    await postgres.kill();
    expect((await save("down", 1)).status).toBe(500);
    await postgres.start();
    await waitFor("a save", async () => (await save("up", 1)).status === 204);
  }
  await saves(2);
  isOver = true;
  const results = await Promise.all(counting);
  for (const [i, { value, acked }] of results.entries()) {
    const found = (await read(keys[i]!)).json() as number;
    expect(acked).toBeGreaterThan(5);
    expect(found).toBeGreaterThanOrEqual(value);
    expect(found).toBeLessThanOrEqual(value + 1);
  }
  const refusals = results.flatMap((one) => one.refusals);
  expect(refusals.length).toBeGreaterThan(0);
  for (const text of refusals) {
    expect(JSON.parse(text).errorCode).toBe("ERR_STATE_SAVE");
    expect(text).toMatch(
      /postgresql at 127.0.0.1:\d+ (can't be reached|was lost before it answered)/,
    );
  }
});

test("connections that the server ends cost no acknowledged save", async () => {
  sidecar = await start(postgres.url());
  let isOver = false;
  let acks = 0;
  const counting = count(
    "cut",
    () => isOver,
    () => acks++,
  );
  const transacting = transact(() => isOver);
  for (let i = 0; i < 10; i++) {
    const before = acks;
    await waitFor("some saves", () => acks >= before + 2, 60_000);
    await postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
  }
  isOver = true;
  const { acked, value } = await counting;
  expect(acked).toBeGreaterThanOrEqual(20);
  await transacting;
  expect((await read("cut")).json()).toBe(value);
});

/** A relay to PostgreSQL that a test can close, or make hang up on every caller. */
async function openRelay() {
  const sockets = new Set<Socket>();
  let hangsUp = false;
  let server: Server;
  const cut = () => sockets.forEach((socket) => socket.destroy());
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const listen = (port: number) =>
    new Promise<void>((resolve) => {
      server = createServer((socket) => {
        keep(socket);
        if (hangsUp) return socket.destroy();
        const inner = connect(postgres.port, "127.0.0.1");
        keep(inner);
        socket.pipe(inner).pipe(socket);
        inner.on("close", () => socket.destroy());
        return socket.on("close", () => inner.destroy());
      }).listen(port, "127.0.0.1", resolve);
    });
  await listen(0);
  const { port } = server!.address() as { port: number };
  return {
    url: postgres.url().replace(`:${postgres.port}`, `:${port}`),
    shut: () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      return closed;
    },
    open: () => listen(port),
    hangUp(now: boolean) {
      hangsUp = now;
      cut();
    },
  };
}

test("a request that was not sent yet waits for the server, but only for a time", async () => {
  const relay = await openRelay();
  sidecar = await start(relay.url);
  try {
    expect((await save("wait", 0)).status).toBe(204);
    await relay.shut();
    await sidecar.logged("can't be reached");
    const waiting = Array.from({ length: 20 }, (_, i) => save(`wait-${i}`, i));
    await sleep(600);
    await relay.open();
    for (const { status } of await Promise.all(waiting))
      expect(status).toBe(204);
    await sidecar.logged("is connected again");

    // It listens, but the login fails, so the request is not sent.
    relay.hangUp(true);
    const tried = save("wait", 1);
    await sleep(600);
    relay.hangUp(false);
    expect((await tried).status).toBe(204);

    await relay.shut();
    const from = performance.now();
    const refused = await save("wait", 2);
    const took = performance.now() - from;
    expect(refused.status).toBe(500);
    expect(refused.text).toMatch(
      /postgresql at 127.0.0.1:\d+ can't be reached/,
    );
    expect(took).toBeGreaterThan(3000);
    await relay.open();
    await waitFor("it", async () => (await read("wait")).status === 200);
    expect((await read("wait")).json()).toBe(1);
  } finally {
    await sidecar.stop();
    await relay.shut();
  }
});

test("a sidecar waits for a server that starts late, and requests meanwhile get an error that says so", async () => {
  await postgres.kill();
  try {
    sidecar = await start(postgres.url());
    const reply = await save("late", 1);
    expect(reply.status).toBe(500);
    expect(reply.text).toMatch(
      /postgresql at 127.0.0.1:\d+ can't be reached: /,
    );
    await sidecar.logged("can't be reached");
  } finally {
    await postgres.start();
  }
  await waitFor(
    "a save",
    async () => (await save("late", 1)).status === 204,
    2000,
  );
});

test("a wrong password ends the sidecar at once, with an error that names the component and not the password", async () => {
  const wrong = postgres.url().replace(postgresPassword, "canary-0815");
  const refused = await start(wrong, "nothing");
  expect((await refused.exited).code).toBe(1);
  expect(refused.output()).toMatch(
    /initialization error occurred for orders \(state\.postgresql\/v2\): failed to connect to the database: postgresql at 127.0.0.1:\d+ refuses the login: password authentication failed/,
  );
  expect(refused.output()).not.toContain("canary-0815");
});
