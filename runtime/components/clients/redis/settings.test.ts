import type { Logger } from "../../../shared/log.ts";
import { parseMetadata } from "../../../contracts/metadata.ts";
import { redisMetadata, redisServer } from "./settings.ts";

function read(values: Record<string, string>, warnings: string[] = []) {
  const items = Object.entries(values).map(([name, value]) => ({
    name,
    value,
  }));
  const log = { warn: (line: string) => void warnings.push(line) } as Logger;
  return redisServer(parseMetadata(redisMetadata, items), log);
}

test.each([
  [{ redisHost: "db" }, [{ host: "db", port: 6379 }]],
  [{ redisHost: "db:7000" }, [{ host: "db", port: 7000 }]],
  [{ redisHost: "db", redisPort: "7000" }, [{ host: "db", port: 7000 }]],
  [{ redisHost: "db:7000", redisPort: "7000" }, [{ host: "db", port: 7000 }]],
  [{ redisHost: "[::1]:7000" }, [{ host: "::1", port: 7000 }]],
  [{ redisHost: ":7000" }, [{ host: "localhost", port: 7000 }]],
  [
    { redisHost: "a:1, b", redisType: "Cluster" },
    [
      { host: "a", port: 1 },
      { host: "b", port: 6379 },
    ],
  ],
  [
    { redisHost: "a,b:5", failover: "true", sentinelMasterName: "m" },
    [
      { host: "a", port: 26379 },
      { host: "b", port: 5 },
    ],
  ],
])("%j", (values, addresses) => {
  expect(read(values).addresses).toEqual(addresses);
});

test.each([
  [{}, "missing redisHost"],
  [{ redisHost: "db:7000", redisPort: "7001" }, "name different ports"],
  [{ redisHost: "db:99999" }, "not a port"],
  [{ redisHost: "http://db" }, "not host or host:port"],
  [{ redisHost: "db", enableTLS: "yes" }, '"yes" is not a bool'],
  [{ redisHost: "db", failover: "true" }, "needs sentinelMasterName"],
  [{ redisHost: "db", redisDB: "1.5" }, "not a database number"],
  [{ redisHost: "db", redisDB: "-1" }, "is too small"],
  [{ redisHost: "db", useEntraID: "true" }, "useEntraID is not supported"],
  [{ redisHost: "db", readTimeout: "soon" }, "not a duration"],
])("%j is refused", (values, error) => {
  expect(() => read(values as Record<string, string>)).toThrow(error);
});

test.each([
  "redis://bob:canary-4711@db:6379/0",
  "bob:canary-4711@db:6379",
  "canary-4711@db",
  "db;password=canary-4711",
  "db:6379,password=canary-4711,ssl=True",
  "db canary-4711",
  "db/canary-4711",
])("%s is no host, and not told", (redisHost) => {
  for (const more of [{}, { redisType: "cluster" }, { redisPort: "1" }]) {
    const refused = () => read({ redisHost, ...more } as never);
    expect(refused).toThrow("redisHost is not host or host:port");
    expect(refused).not.toThrow("canary");
  }
});

test("a bare number is milliseconds, -1 is no limit, and writeTimeout is readTimeout unless given", () => {
  const timeout = (values: Record<string, string>) =>
    read({ redisHost: "db", ...values }).answerTimeoutMs;
  expect(timeout({})).toBe(3000);
  expect(timeout({ readTimeout: "200" })).toBe(200);
  expect(timeout({ readTimeout: "2s" })).toBe(2000);
  expect(timeout({ readTimeout: "200", writeTimeout: "300ms" })).toBe(300);
  expect(timeout({ readTimeout: "-1" })).toBeUndefined();
});

test("pauses double up to the longest; older names count", () => {
  const { pauseMs, retries } = read({
    redisHost: "db",
    maxRetries: "7",
    maxRetryBackoff: "100000000",
  });
  expect(retries).toBe(7);
  expect([1, 2, 3, 4, 99].map(pauseMs)).toEqual([100, 200, 400, 512, 512]);
});

test("a certificate that is not checked is warned of", () => {
  const warnings: string[] = [];
  const values = { redisHost: "db", enableTLS: "True" };
  expect(read(values, warnings).tls).toEqual({ rejectUnauthorized: true });
  expect(warnings).toEqual([]);
  read({ ...values, insecureSkipTLSVerify: "1" }, warnings);
  expect(warnings).toHaveLength(1);
});
