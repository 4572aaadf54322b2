/** What a component's metadata may hold, and what is told of the rest. */
import { recordingLog } from "../../tests/support/recording-log.ts";
import type { Closable, ComponentResource } from "../contracts/component.ts";
import { text } from "../contracts/metadata.ts";
import { daprTypes } from "./dapr-types.ts";
import {
  bindings,
  nameResolvers,
  secretStores,
  stateStores,
  type BuiltIn,
} from "./index.ts";
import { openComponent } from "./open.ts";

const everything: BuiltIn<Closable>[] = [
  ...bindings,
  ...stateStores,
  ...secretStores,
  ...nameResolvers,
];

const resource = (
  type: string,
  names: string[],
  version = "v1",
): ComponentResource => ({
  name: "orders",
  type,
  version,
  metadata: names.map((name, i) => ({
    name,
    // A number, a truth and a text.
    value: name.toLowerCase() === "direction" ? "output" : "1",
    at: { file: "c.yaml", line: 2 * i + 2, column: 12 },
    nameAt: { file: "c.yaml", line: 2 * i + 1, column: 11 },
  })),
  ignoreErrors: false,
  initTimeoutMs: 5000,
  scopes: [],
  at: { file: "c.yaml", line: 1, column: 1 },
});

/** The table of a type, whose opening does nothing. */
async function warningsFor(type: string, names: string[], version?: string) {
  const log = recordingLog();
  const inert = everything.map((entry) => ({
    ...entry,
    load: async (version: string) => ({
      ...(await entry.load(version)),
      open: async () => ({ close: async () => {} }),
    }),
  }));
  await openComponent(resource(type, names, version), inert, {
    appId: "app",
    env: {},
    log,
  }).catch(() => {}); // `x` is not a value of every property
  return log.lines;
}

test.each([
  [
    "redisPasword",
    "'redisPasword' is no property of this type and has no effect; did you mean 'redisPassword'?",
  ],
  [
    "enableTsl",
    "'enableTsl' is no property of this type and has no effect; did you mean 'enableTLS'?",
  ],
  [
    "keyPrefx",
    "'keyPrefx' is no property of this type and has no effect; did you mean 'keyPrefix'?",
  ],
  [
    "ttlInSecond",
    "'ttlInSecond' is no property of this type and has no effect; did you mean 'ttlInSeconds'?",
  ],
  ["colour", "'colour' is no property of this type and has no effect"],
  ["oidcClientID", "'oidcClientID' is not acted upon by this version"],
  ["a\nb", "'\"a\\nb\"' is no property of this type and has no effect"],
])("%j of state.redis", async (name, told) => {
  expect(await warningsFor("state.redis", ["redisHost", name])).toEqual([
    `warning component orders (state.redis/v1): metadata ${told} (c.yaml:3:11)`,
  ]);
});

async function toldOf(type: string, name: string, value: string) {
  const log = recordingLog();
  const definition = {
    ...(await everything.find((one) => one.type === type)!.load("v1")),
    open: async () => ({ close: async () => {} }),
  };
  const at = { file: "c.yaml", line: 2, column: 12 };
  const needed = type === "bindings.http" ? [{ name: "url", value: "u" }] : [];
  await openComponent(
    {
      ...resource(type, []),
      metadata: [{ name, value, at, nameAt: at }, ...needed],
    },
    [{ type, versions: ["v1"], load: async () => definition }],
    { appId: "app", env: {}, log },
  );
  return log.lines.join("\n");
}

test.each([
  ["state.in-memory", "ActorStateStore", "ture", "neither true nor false"],
  ["bindings.http", "followRedirects", "enabled", "neither true nor false"],
  ["bindings.http", "direction", "outptu", "the component does nothing"],
  ["bindings.http", "direction", "input;output", "does nothing"],
])("%s: %s: %s counts as something else, and is told", async (...given) => {
  const [type, name, value, told] = given;
  const lines = await toldOf(type, name, value);
  expect(lines).toContain(told);
  expect(lines).toContain("(c.yaml:2:12)");
});

test.each([
  ["state.in-memory", "actorStateStore", "Yes"],
  ["state.in-memory", "actorStateStore", "false"],
  ["state.in-memory", "actorStateStore", ""],
  ["bindings.http", "direction", "Input, output"],
])("%s: %s: %j is nothing to tell", async (type, name, value) => {
  expect(await toldOf(type, name, value)).toBe("");
});

test("a hundred unknown properties are some lines", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `unknown-${i}-property`);
  expect(await warningsFor("state.in-memory", names)).toHaveLength(21);
});

const sharedState =
  "actorStateStore keyPrefix primaryEncryptionKey secondaryEncryptionKey outboxPublishPubsub outboxPublishTopic outboxPubsub outboxDiscardWhenMissingState";
const sharedRedis =
  "redisHost redisPort redisUsername redisPassword redisDB redisType failover sentinelMasterName sentinelUsername sentinelPassword enableTLS insecureSkipTLSVerify clientCert clientKey redisMaxRetries maxRetries redisMinRetryInterval redisMaxRetryInterval maxRetryBackoff dialTimeout readTimeout writeTimeout poolSize minIdleConns poolTimeout maxConnAge idleTimeout idleCheckFrequency useEntraID useOIDC";
const sharedPostgres =
  "connectionString url host port user password database timeout timeoutInSeconds metadataTableName cleanupInterval cleanupIntervalInSeconds maxConns connectionMaxIdleTime queryExecMode useAzureAD useAWSIAM";
const sharedSqlite =
  "connectionString timeout timeoutInSeconds busyTimeout disableWAL tableName metadataTableName cleanupInterval";

/** Every property that the original documents and acts upon, and we with it. */
const documented: [type: string, version: string, names: string][] = [
  [
    "bindings.kafka",
    "v1",
    "brokers topics publishTopic consumerGroup clientID authType authRequired saslUsername saslPassword saslMechanism oidcTokenEndpoint oidcClientID oidcClientSecret oidcScopes oidcExtensions caCert clientCert clientKey disableTls skipVerify initialOffset consumeRetryEnabled consumeRetryInterval backOffPolicy backOffDuration backOffInitialInterval backOffMaxInterval backOffMultiplier backOffRandomizationFactor backOffMaxElapsedTime backOffMaxRetries maxMessageBytes version heartbeatInterval sessionTimeout consumerFetchMin consumerFetchDefault channelBufferSize clientConnectionTopicMetadataRefreshInterval clientConnectionKeepAliveInterval dialTimeout readTimeout writeTimeout metadataTimeout compression producerRequiredAcks producerRetryMax consumerGroupRebalanceStrategy escapeHeaders excludeHeaderMetaRegex schemaRegistryURL direction route",
  ],
  ["bindings.cron", "v1", "schedule direction route"],
  [
    "bindings.http",
    "v1",
    "url MTLSRootCA MTLSClientCert MTLSClientKey MTLSRenegotiation securityToken securityTokenHeader responseTimeout maxResponseBodySize errorIfNot2XX direction",
  ],
  ["bindings.localstorage", "v1", "rootPath direction"],
  [
    "state.redis",
    "v1",
    `${sharedRedis} ttlInSeconds queryIndexes ${sharedState}`,
  ],
  ["state.postgresql", "v1", `${sharedPostgres} tableName ${sharedState}`],
  ["state.postgres", "v2", `${sharedPostgres} tablePrefix ${sharedState}`],
  [
    "state.sqlite",
    "v1",
    `${sharedSqlite} url cleanupIntervalInSeconds ${sharedState}`,
  ],
  ["state.in-memory", "v1", sharedState],
  ["secretstores.local.file", "v1", "secretsFile nestedSeparator multiValued"],
  ["secretstores.local.env", "v1", "prefix"],
  ["secretstores.kubernetes", "v1", "defaultNamespace kubeconfigPath"],
  ["nameresolution.mdns", "v1", ""],
  ["nameresolution.kubernetes", "v1", "clusterDomain template"],
  ["nameresolution.nameformat", "v1", "format"],
  [
    "nameresolution.sqlite",
    "v1",
    "connectionString tableName metadataTableName timeout busyTimeout updateInterval cleanupInterval",
  ],
];

test.each(documented)(
  "nothing that is documented for %s %s is warned about",
  async (type, version, names) => {
    const written = names.split(" ").filter(Boolean);
    expect(await warningsFor(type, written, version)).toEqual([]);
    // Names compare without case.
    const upper = written.map((name) => name.toUpperCase());
    expect(await warningsFor(type, upper, version)).toEqual([]);
  },
);

const open = (type: string, version = "v1") =>
  openComponent(resource(type, [], version), everything, {
    appId: "app",
    env: {},
    log: recordingLog(),
  });

test.each([
  ["bindings.kafka", "v7", "versions of bindings.kafka here: v1"],
  ["state.postgresql", "v3", "versions of state.postgresql here: v1, v2"],
  ["bindings.kafak", "v1", "did you mean bindings.kafka?"],
  ["state.sqllite", "v1", "did you mean state.sqlite?"],
  [
    "pubsub.rediss",
    "v1",
    "did you mean pubsub.redis? Dapr has it, this version of the sidecar has not",
  ],
  ["foo.bar", "v1", "known types: bindings.kafka, "],
  ["__proto__.x", "v1", "incorrect type __proto__.x; known types"],
])("%s/%s: %s", async (type, version, hint) => {
  await expect(open(type, version)).rejects.toThrow(hint);
});

test("what is ours is Dapr's, save what is our own", () => {
  const types = everything.map(({ type }) => type);
  expect(types.filter((type) => !daprTypes.has(type))).toEqual([
    "bindings.sqlite",
    "nameresolution.local",
  ]);
  expect(
    [...daprTypes].filter((type) => !/^[a-z]+(\.[a-z0-9-]+)+$/.test(type)),
  ).toEqual([]);
  expect(daprTypes.size).toBeGreaterThan(150);
});

test("a table's own property of no value is no slip", async () => {
  const definition = {
    type: "fake.one",
    versions: ["v1"],
    metadata: { own: text("One.", { aliases: ["older"] }) },
    open: async () => ({ close: async () => {} }),
  };
  const log = recordingLog();
  await openComponent(
    resource("fake.one", ["Own", "older"]),
    [{ type: "fake.one", versions: ["v1"], load: async () => definition }],
    { appId: "app", env: {}, log },
  );
  expect(log.lines).toEqual([]);
});
