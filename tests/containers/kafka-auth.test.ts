/** Logins against a real broker, which also creates no topics and takes only small messages. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { openBinding } from "../contracts/open-component.ts";
import { waitFor } from "../wait-for.ts";

const run = promisify(execFile);
const login = "org.apache.kafka.common.security";
const scram = `${login}.scram.ScramLoginModule required;`;
let folder: string;
let broker: KafkaBroker;
let tokens: Server;
let tokenRequests = 0;
let pem: Record<"ca" | "cert" | "key", string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kafka-auth-"));
  const server = await makeCertificates(folder);
  broker = await startKafka(
    {
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
      KAFKA_MESSAGE_MAX_BYTES: "100000",
      KAFKA_LISTENER_NAME_LOGIN_SASL_ENABLED_MECHANISMS:
        "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
      KAFKA_LISTENER_NAME_LOGIN_PLAIN_SASL_JAAS_CONFIG: `${login}.plain.PlainLoginModule required user_alice="plain-secret";`,
      KAFKA_LISTENER_NAME_LOGIN_SCRAM___SHA___256_SASL_JAAS_CONFIG: scram,
      KAFKA_LISTENER_NAME_LOGIN_SCRAM___SHA___512_SASL_JAAS_CONFIG: scram,
      KAFKA_LISTENER_NAME_LOGIN_OAUTHBEARER_SASL_JAAS_CONFIG: `${login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      KAFKA_LISTENER_NAME_LOGIN_CONNECTIONS_MAX_REAUTH_MS: "60000",
      KAFKA_SSL_KEYSTORE_TYPE: "PEM",
      KAFKA_SSL_KEYSTORE_LOCATION: "/tmp/server.pem",
      KAFKA_SSL_TRUSTSTORE_TYPE: "PEM",
      KAFKA_SSL_TRUSTSTORE_LOCATION: "/tmp/ca.pem",
      KAFKA_LISTENER_NAME_MTLS_SSL_CLIENT_AUTH: "required",
      KAFKA_LISTENER_NAME_TLS_SSL_CLIENT_AUTH: "none",
    },
    { LOGIN: "SASL_PLAINTEXT", MTLS: "SSL", TLS: "SSL" },
    { "/tmp/server.pem": server, "/tmp/ca.pem": pem.ca },
  );
  // One call for each mechanism: a request can change a user's credentials only once.
  await Promise.all(
    ["SCRAM-SHA-256", "SCRAM-SHA-512"].map((mechanism) =>
      broker.run(
        `java -cp /opt/kafka/libs/* kafka.admin.ConfigCommand --bootstrap-server ${broker.address} --alter --entity-type users --entity-name bob --add-config ${mechanism}=[password=scram-secret]`,
      ),
    ),
  );
  tokens = createServer((request, response) => {
    let form = "";
    request.on("data", (chunk) => (form += chunk));
    request.on("end", () => {
      tokenRequests++;
      const asked = new URLSearchParams(form);
      if (asked.get("client_secret") !== "oidc-secret")
        return response.writeHead(401).end("oidc-secret is right");
      const until = Math.floor(Date.now() / 1000) + 600;
      const part = (value: object) =>
        Buffer.from(JSON.stringify(value)).toString("base64url");
      const token = `${part({ alg: "none" })}.${part({
        sub: asked.get("client_id"),
        scope: asked.get("scope"),
        iat: until - 600,
        exp: until,
      })}.`;
      response.end(JSON.stringify({ access_token: token, expires_in: 600 }));
    });
  }).listen(0, "127.0.0.1");
});

afterAll(async () => {
  tokens?.close();
  await broker?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function makeCertificates(folder: string) {
  const at = (name: string) => join(folder, name);
  const openssl = (line: string) => run("openssl", line.split(" "));
  await openssl(
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ${at("ca.key")} -out ${at("ca.pem")}`,
  );
  for (const name of ["server", "client"]) {
    await openssl(
      `req -newkey rsa:2048 -nodes -subj /CN=${name} -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout ${at(`${name}.key`)} -out ${at(`${name}.csr`)}`,
    );
    await openssl(
      `x509 -req -days 2 -in ${at(`${name}.csr`)} -CA ${at("ca.pem")} -CAkey ${at("ca.key")} -CAcreateserial -copy_extensions copy -out ${at(`${name}.pem`)}`,
    );
  }
  const read = (name: string) => readFile(at(name), "utf8");
  pem = {
    ca: await read("ca.pem"),
    cert: await read("client.pem"),
    key: await read("client.key"),
  };
  return (await read("server.key")) + (await read("server.pem"));
}

const createTopic = (topic: string) =>
  broker.run(
    `java -cp /opt/kafka/libs/* org.apache.kafka.tools.TopicCommand --bootstrap-server ${broker.address} --create --topic ${topic}`,
  );

/** Sends and receives one message with this login. Resolves with the log. */
async function roundTrip(
  metadata: Record<string, string>,
  topic: string,
): Promise<string[]> {
  const log: string[] = [];
  const binding = await openBinding("bindings.kafka", {
    metadata: {
      topics: topic,
      publishTopic: topic,
      consumerGroup: randomUUID(),
      initialOffset: "oldest",
      ...metadata,
    },
    log,
  });
  try {
    const text = randomUUID();
    const seen: string[] = [];
    const stop = await binding.read!(async ({ data }) => {
      seen.push(Buffer.from(data).toString());
      return undefined;
    });
    await binding.invoke!({
      operation: "create",
      data: Buffer.from(text),
      metadata: {},
    });
    await waitFor("the message", () => seen.includes(text));
    await stop();
  } finally {
    await binding.close();
  }
  return log;
}

test("a topic that does not exist yet is waited for with one log line, and then read from its first message", async () => {
  const topic = "late";
  const log: string[] = [];
  const binding = await openBinding("bindings.kafka", {
    metadata: {
      brokers: broker.address,
      authType: "none",
      topics: topic,
      publishTopic: topic,
      consumerGroup: topic,
    },
    log,
  });
  const seen: string[] = [];
  const stop = await binding.read!(async ({ data }) => {
    seen.push(Buffer.from(data).toString());
    return undefined;
  });
  const send = (data: string) =>
    binding.invoke!({
      operation: "create",
      data: Buffer.from(data),
      metadata: { partitionKey: "one" },
    });
  await expect(send("too early")).rejects.toThrow(
    /topic "late" .*: the topic does not exist, and the broker has not created it within 10 s; create it/,
  );
  expect(
    log.filter((line) => line.includes('topic "late" does not exist yet')),
  ).toHaveLength(1);
  await createTopic(topic);
  await send("first");
  await waitFor("the first message", () => seen.length === 1);

  // The broker takes batches of up to 100,000 bytes. Ours are split until they fit, and
  // only the message that never fits fails.
  const bodies = [40_000, 40_000, 40_000, 150_000, 40_000].map((size, n) =>
    String(n).padEnd(size, "."),
  );
  const results = await Promise.allSettled(bodies.map(send));
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  await waitFor("the small ones", () => seen.length === 5);
  const heads = ({ length, [0]: head }: string) => `${head} ${length}`;
  expect(seen.slice(1).map(heads)).toEqual([
    "0 40000",
    "1 40000",
    "2 40000",
    "4 40000",
  ]);
  await stop();
  await binding.close();
});

describe("login by", () => {
  const topic = "logins";
  beforeAll(() => createTopic(topic));

  const password = (username: string, secret: string, mechanism: string) => ({
    brokers: broker.listener("LOGIN"),
    authType: "password",
    saslUsername: username,
    saslPassword: secret,
    saslMechanism: mechanism,
    disableTls: "true",
  });

  test.each([
    ["PLAIN", "alice", "plain-secret"],
    ["SHA-256", "bob", "scram-secret"],
    ["SHA-512", "bob", "scram-secret"],
  ])("password, %s", async (mechanism, username, secret) => {
    await roundTrip(password(username, secret, mechanism), topic);
  });

  test("with a wrong password each call fails with the reason, and no secret is in a log or an error", async () => {
    const log: string[] = [];
    const binding = await openBinding("bindings.kafka", {
      metadata: {
        ...password("alice", "canary-4711", "PLAIN"),
        topics: topic,
        publishTopic: topic,
        consumerGroup: "wrong",
      },
      log,
    });
    const stop = await binding.read!(async () => undefined);
    const error: Error = await binding.invoke!({
      operation: "create",
      data: Buffer.from("1"),
      metadata: {},
    }).then(
      () => new Error("accepted"),
      (refused) => refused,
    );
    expect(error.message).toMatch(/[Aa]uthentication failed/);
    await waitFor("a warning", () =>
      log.some((line) => line.startsWith("warning")),
    );
    await stop();
    await binding.close();
    expect(log.join("\n")).toMatch(/warning .*[Aa]uthentication failed/);
    expect(error.message + log.join("\n")).not.toContain("canary-4711");
  });

  test("mtls works", async () => {
    const mtls = {
      brokers: broker.listener("MTLS"),
      authType: "mtls",
      caCert: pem.ca,
      clientCert: pem.cert,
      clientKey: pem.key,
    };
    await roundTrip(mtls, topic);
  });

  test("certificate works", async () => {
    await roundTrip(
      {
        brokers: broker.listener("TLS"),
        authType: "certificate",
        caCert: pem.ca,
      },
      topic,
    );
  });

  test("skipVerify works, with a warning", async () => {
    const log = await roundTrip(
      {
        brokers: broker.listener("MTLS"),
        authType: "mtls",
        // An authority that did not sign the broker's certificate.
        caCert: pem.cert,
        clientCert: pem.cert,
        clientKey: pem.key,
        skipVerify: "true",
      },
      topic,
    );
    expect(log.join("\n")).toContain("warning kafka: skipVerify is true");
  });

  const oidc = (secret: string) => ({
    brokers: broker.listener("LOGIN"),
    authType: "oidc",
    oidcTokenEndpoint: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`,
    oidcClientID: "carol",
    oidcClientSecret: secret,
    disableTls: "true",
  });

  // What a user may have written wrong, each with its own listener.
  const wrong: [string, () => Record<string, string>, RegExp][] = [
    [
      "TLS to a port without TLS",
      () => ({
        brokers: broker.address,
        authType: "certificate",
        caCert: pem.ca,
      }),
      /broker 127\.0\.0\.1:\d+ closed the connection in the TLS handshake: it may not speak TLS on this port; use its TLS port, or set disableTls/,
    ],
    [
      "no TLS to a port with TLS",
      () => ({ brokers: broker.listener("TLS"), authType: "none" }),
      /broker 127\.0\.0\.1:\d+ .*may expect TLS/,
    ],
    [
      "no login to a port that requires one",
      () => ({ brokers: broker.listener("LOGIN"), authType: "none" }),
      /broker 127\.0\.0\.1:\d+ .*a login on this port \(authType\)/,
    ],
    [
      "a login to a port without one",
      () => ({
        ...password("alice", "plain-secret", "PLAIN"),
        brokers: broker.address,
      }),
      /wants no login on this port, but authType asks for one/,
    ],
    [
      "an authority that is not the broker's",
      () => ({
        brokers: broker.listener("TLS"),
        authType: "certificate",
        caCert: pem.cert,
      }),
      /broker 127\.0\.0\.1:\d+ has a certificate that is not trusted \(.*\): set caCert .*, or SSL_CERT_FILE/,
    ],
    [
      "a host that does not resolve",
      () => ({ brokers: "no-such-host.invalid:9092", authType: "none" }),
      /the host of broker no-such-host\.invalid:9092 does not resolve \((ENOTFOUND|EAI_AGAIN)\): check 'brokers'/,
    ],
    [
      "a port where nothing listens",
      () => ({ brokers: "127.0.0.1:1", authType: "none" }),
      /nothing listens at broker 127\.0\.0\.1:1 \(ECONNREFUSED\)/,
    ],
  ];
  test.each(wrong)(
    "the log about %s names the broker, the cause and what to set",
    async (_, metadata, expected) => {
      const log: string[] = [];
      const binding = await openBinding("bindings.kafka", {
        metadata: {
          topics: topic,
          publishTopic: topic,
          consumerGroup: "wrong",
          deliveryTimeout: "8s",
          dialTimeout: "2s",
          ...metadata(),
        },
        log,
      });
      const stop = await binding.read!(async () => undefined);
      await expect(
        binding.invoke!({
          operation: "create",
          data: Buffer.from("1"),
          metadata: {},
        }),
      ).rejects.toThrow(expected);
      await waitFor("a warning", () =>
        log.some((line) => line.startsWith("warning") && expected.test(line)),
      );
      const told = log.filter((line) => !line.startsWith("debug"));
      expect(told.join("\n")).not.toContain("--use-system-ca");
      await stop();
      await binding.close();
    },
  );

  test("oidc uses one token for all connections", async () => {
    const before = tokenRequests;
    await roundTrip(oidc("oidc-secret"), topic);
    expect(tokenRequests - before).toBe(1);
  });
});
