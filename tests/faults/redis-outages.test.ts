/** Redis restarts, forgets its scripts, cuts connections, starts late or refuses the password. */
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { startRedis, type RedisContainer } from "../support/redis-server.ts";
import { waitFor } from "../wait-for.ts";

let redis: RedisContainer;
let sidecar: Daprd;

const start = (
  address: string,
  more: Record<string, string> = {},
  until: "outbound" | "nothing" = "outbound",
) =>
  startDaprd({
    resources: {
      "orders.yaml": component("orders", "state.redis", {
        redisHost: address,
        ...more,
      }),
    },
    until,
  });

const path = "/v1.0/state/orders";
const save = (key: string, value: unknown, etag?: string) =>
  sidecar.call("POST", path, {
    body: JSON.stringify([{ key, value, ...(etag ? { etag } : {}) }]),
  });
const read = async (key: string) => {
  const reply = await sidecar.call("GET", `${path}/${key}`);
  expect(reply.status).toBe(200);
  return {
    value: reply.json() as number,
    etag: String(reply.headers.etag).replaceAll('"', ""),
  };
};

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());
afterEach(stopAll);

interface Writer {
  acked: number;
  unknown: number;
  refusals: string[];
}

/** Counts a key up, one save after the other, until it is stopped, with or without etags. */
function startWriting(key: string, byEtag: boolean) {
  const told: Writer = { acked: 0, unknown: 0, refusals: [] };
  let isOver = false;
  const done = write(key, byEtag, told, () => isOver);
  return {
    /** Resolves after so many more acknowledged saves. */
    more: (count: number) => {
      const before = told.acked;
      return waitFor(
        `${count} more saves of ${key}`,
        () => told.acked >= before + count,
      );
    },
    stop: async () => {
      isOver = true;
      await done;
      return told;
    },
  };
}

async function write(
  key: string,
  byEtag: boolean,
  told: Writer,
  isOver: () => boolean,
): Promise<void> {
  let next = 1;
  let etag: string | undefined;
  while (!isOver()) {
    const reply = await save(key, next, byEtag ? etag : undefined);
    if (reply.status === 204) {
      told.acked++;
      next++;
      if (byEtag) etag = `${Number(etag ?? 0) + 1}`;
      continue;
    }
    expect(reply.status).toBe(500);
    told.unknown++;
    told.refusals.push(reply.text);
    // Whether the save was done is known once the store answers again.
    const found = await waitFor("an answer", async () => {
      const reply = await sidecar.call("GET", `${path}/${key}`);
      return reply.status === 500 ? undefined : reply;
    });
    next = found.status === 200 ? (found.json() as number) + 1 : 1;
    etag = found.headers.etag && String(found.headers.etag).replaceAll('"', "");
  }
}

test("when Redis is killed during saves, every 204 is there afterwards, no save is done twice, and work resumes", async () => {
  sidecar = await start(redis.address);
  const keys = Array.from({ length: 10 }, (_, i) => `restart-${i}`);
  const writers = keys.map((key, i) => startWriting(key, i % 2 === 0));
  const allMore = (count: number) =>
    Promise.all(writers.map((writer) => writer.more(count)));
  for (let round = 0; round < 3; round++) {
    await allMore(8); // so that each kill hits some
    await redis.kill();
    expect((await save("down", 1)).status).toBe(500);
    await redis.start();
    await waitFor("a save", async () => (await save("up", 1)).status === 204);
  }
  await allMore(1);
  const results = await Promise.all(writers.map((writer) => writer.stop()));
  for (const [i, { acked, unknown }] of results.entries()) {
    const { value, etag } = await read(keys[i]!);
    const done = Number(etag); // the etag grows by one with each write
    expect(acked).toBeGreaterThan(20);
    expect(done).toBeGreaterThanOrEqual(acked);
    expect(done).toBeLessThanOrEqual(acked + unknown);
    if (i % 2 === 0) expect(value).toBe(done);
    else expect(value).toBeLessThanOrEqual(done);
  }
  const refusals = results.flatMap((one) => one.refusals);
  expect(refusals.length).toBeGreaterThan(0);
  for (const text of refusals) {
    expect(JSON.parse(text).errorCode).toBe("ERR_STATE_SAVE");
    expect(text).toMatch(
      /redis at 127.0.0.1:\d+ (can't be reached|was lost before it answered, so the request may have been done or not)/,
    );
  }
  expect(
    sidecar.messages().filter((line) => line.includes("can't be reached"))
      .length,
  ).toBeLessThanOrEqual(4);
  expect(sidecar.output()).toContain("is connected again");
});

test("while Redis does not answer, a request fails in time, and the next ones succeed when it answers again", async () => {
  sidecar = await start(redis.address, { readTimeout: "500ms" });
  await save("silent", 1);
  await redis.pause();
  // This answer comes while Redis is paused.
  const reply = await save("silent", 2);
  await redis.unpause();
  expect(reply.status).toBe(500);
  await waitFor(
    "a save",
    async () => (await save("x", 1)).status === 204,
    2000,
  );
});

test("when Redis forgets its scripts and cuts connections, no acknowledged save is lost", async () => {
  sidecar = await start(redis.address);
  const writers = [
    startWriting("forgot-a", true),
    startWriting("forgot-b", false),
  ];
  for (let i = 0; i < 20; i++) {
    await redis.admin.script("FLUSH");
    for (const writer of writers) await writer.more(1);
  }
  for (const writer of writers) expect((await writer.stop()).unknown).toBe(0);

  const cut = startWriting("cut", true);
  for (let i = 0; i < 5; i++) {
    await cut.more(5);
    await redis.admin.call(
      "CLIENT",
      ..."KILL TYPE normal SKIPME yes".split(" "),
    );
  }
  await cut.more(1);
  const { acked, unknown } = await cut.stop();
  const { value, etag } = await read("cut");
  expect(acked).toBeGreaterThan(20);
  expect(value).toBe(Number(etag));
  expect(value).toBeGreaterThanOrEqual(acked);
  expect(value).toBeLessThanOrEqual(acked + unknown);
});

test("a sidecar waits for a Redis that starts late, and requests meanwhile get an error that says so", async () => {
  await redis.kill();
  try {
    sidecar = await start(redis.address);
    const reply = await save("late", 1);
    expect(reply.status).toBe(500);
    expect(reply.text).toMatch(/redis at 127.0.0.1:\d+ can't be reached: /);
    await sidecar.logged("can't be reached");
  } finally {
    await redis.start();
  }
  await waitFor(
    "a save",
    async () => (await save("late", 1)).status === 204,
    2000,
  );
});

test("a wrong password ends the sidecar at once, with an error that names the component and not the password, and promises no retry", async () => {
  await redis.admin.config("SET", "requirepass", "right-4711");
  try {
    const wrong: Record<string, string>[] = [
      { redisPassword: "canary-0815" },
      {},
    ];
    for (const more of wrong)
      expect(await refusal(more)).toMatch(/^(WRONGPASS|NOAUTH)/);
    sidecar = await start(redis.address, { redisPassword: "right-4711" });
    expect((await save("in", 1)).status).toBe(204);
  } finally {
    await redis.admin.config("SET", "requirepass", "");
  }
});

/** Starts a sidecar whose component cannot be opened, and resolves with the reason in its last log line. */
async function refusal(metadata: Record<string, string>): Promise<string> {
  const refused = await start(redis.address, metadata, "nothing");
  expect((await refused.exited).code).toBe(1);
  expect(refused.output()).not.toContain("canary-0815");
  expect(refused.output()).not.toContain("trying until it can");
  const [, why] = refused
    .output()
    .split(
      /initialization error occurred for orders \(state\.redis\/v1\): redis store: error connecting to redis at 127.0.0.1:\d+: /,
    );
  return why!;
}

test.each([
  [{ redisDB: "99" }, /^ERR DB index is out of range/],
  [{ redisType: "cluster" }, /^ERR This instance has cluster support disabled/],
])(
  "%j, which the server does not have, ends the sidecar too",
  async (more, why) => {
    expect(await refusal(more)).toMatch(why);
  },
);

test("without a server, and with retries that never end, a request still fails in time", async () => {
  const [port] = await freePorts(1);
  sidecar = await start(`127.0.0.1:${port}`, { redisMaxRetries: "-1" });
  expect((await save("nobody", 1)).status).toBe(500);
});
