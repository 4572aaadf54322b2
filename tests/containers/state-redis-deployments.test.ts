/** state.redis over TLS, on a cluster and behind sentinels. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stateStores } from "../../runtime/components/index.ts";
import type { StateStore } from "../../runtime/contracts/state-store.ts";
import { openBuiltIn } from "../contracts/open-component.ts";
import { startSentinels } from "../support/redis-sentinels.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor } from "../wait-for.ts";

const run = promisify(execFile);
const words = (line: string) => line.split(" ");

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(metadata: Record<string, string>, log: string[] = []) {
  const store = await openBuiltIn(stateStores, "state.redis", {
    metadata,
    log,
  });
  cleanups.push(() => store.close());
  return store;
}

const set = (store: StateStore, key: string, value: string) =>
  store.set({ key, value, metadata: {} });
const get = async (store: StateStore, key: string) =>
  String((await store.get({ key, metadata: {} }))?.data);

test("TLS works with a client certificate; an untrusted server is refused, unless that is switched off, with a warning", async () => {
  const folder = await mkdtemp(join(tmpdir(), "redis-tls-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const line = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout ${key} -out ${cert}`;
  await run("openssl", words(line));
  const pem = {
    cert: await readFile(cert, "utf8"),
    key: await readFile(key, "utf8"),
  };
  const redis = await startRedis({
    tls: { ca: pem.cert, ...pem },
    args: words(
      "--tls-cert-file /tls/cert.pem --tls-key-file /tls/key.pem --tls-ca-cert-file /tls/cert.pem --tls-auth-clients yes",
    ),
    files: { "/tls/cert.pem": pem.cert, "/tls/key.pem": pem.key },
  });
  cleanups.push(() => redis.stop());
  const metadata = {
    redisHost: redis.address,
    enableTLS: "true",
    clientCert: pem.cert,
    clientKey: pem.key,
  };
  await expect(open(metadata)).rejects.toThrow(
    /error connecting to redis at .*self-signed certificate/,
  );
  const plain: string[] = [];
  await open({ redisHost: redis.address }, plain);
  await waitFor("a word on TLS", () =>
    plain.join("\n").includes("if it speaks TLS only, set enableTLS"),
  );
  const log: string[] = [];
  const store = await open({ ...metadata, insecureSkipTLSVerify: "true" }, log);
  await set(store, "app||tls", "1");
  expect(await get(store, "app||tls")).toBe("1");
  expect(log.join("\n")).toContain("warning redis: insecureSkipTLSVerify");
});

test("a cluster takes keys in all slots, and transactions within one slot", async () => {
  const redis = await startRedis({
    args: words("--cluster-enabled yes --cluster-announce-ip 127.0.0.1"),
  });
  cleanups.push(() => redis.stop());
  await redis.admin.cluster("ADDSLOTSRANGE", 0, 16383);
  await waitFor("the cluster", async () =>
    String(await redis.admin.cluster("INFO")).includes("cluster_state:ok"),
  );
  const store = await open({ redisHost: redis.address, redisType: "cluster" });
  const keys = Array.from({ length: 100 }, (_, i) => `app||${i}`);
  await Promise.all(keys.map((key, i) => set(store, key, `${i}`)));
  for (const [i, key] of keys.entries())
    expect(await get(store, key)).toBe(`${i}`);
  const both = (...of: string[]) =>
    store.transact!(
      of.map((key) => ({
        operation: "upsert",
        request: { key, value: "7", metadata: {} },
      })),
      {},
    );
  await expect(both("app||0", "app||1")).rejects.toThrow(
    "put the same {tag} into all its keys",
  );
  expect(await get(store, "app||0")).toBe("0");
  await both("app||{t}0", "app||{t}1");
  expect(await get(store, "app||{t}1")).toBe("7");

  await redis.kill();
  await expect(set(store, "app||0", "8")).rejects.toThrow(/redis|connection/i);
  await redis.start();
  await waitFor("a save", () =>
    set(store, "app||0", "9").then(
      () => true,
      () => false,
    ),
  );
  expect(await get(store, "app||0")).toBe("9");
});

test("with sentinels a failover is followed, and nothing that the new server acknowledged is lost", async () => {
  const sentinels = await startSentinels();
  cleanups.push(() => sentinels.stop());
  const store = await open(sentinels.metadata);
  await store.set({
    key: "app||a",
    value: "1",
    metadata: {},
    options: { consistency: "strong" },
  });
  await sentinels.endMaster();
  await waitFor(
    "a save at the new server",
    () =>
      set(store, "app||b", "2").then(
        () => true,
        () => false,
      ),
    30_000,
  );
  expect(await get(store, "app||a")).toBe("1");
  expect(await get(store, "app||b")).toBe("2");
});
