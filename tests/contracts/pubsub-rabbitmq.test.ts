/** pubsub.rabbitmq on a real RabbitMQ against the contract of every message bus. */
import { randomUUID } from "node:crypto";
import {
  startRabbitMQ,
  type RabbitServer,
} from "../support/rabbitmq-server.ts";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

let server: RabbitServer;
beforeAll(async () => {
  server = await startRabbitMQ();
});
afterAll(() => server?.stop());

const setup = async (
  extra: Record<string, string> = {},
): Promise<PubSubSetup> => ({
  metadata: {
    connectionString: server.url,
    consumerID: `group-${randomUUID()}`,
    deletedWhenUnused: "false",
    reconnectWaitSeconds: "1",
    ...extra,
  },
  bad: [
    {
      metadata: { connectionString: "localhost:5672" },
      error: /rabbitmq pub\/sub error: invalid connection string/,
    },
    {
      metadata: { connectionString: server.url, protocol: "amqps" },
      error: /protocol does not match connection string/,
    },
    {
      metadata: { connectionString: server.url, saslExternal: "true" },
      error: /'saslExternal' needs all of/,
    },
    {
      metadata: { connectionString: server.url, deliveryMode: "3" },
      error: /'deliveryMode': 3 is not a whole number from 0 to 2/,
    },
    {
      metadata: {
        hostname: `127.0.0.1:${server.port}`,
        username: "guest",
        password: "wrong",
      },
      error: /refuses the login: ACCESS_REFUSED/,
    },
    {
      metadata: { connectionString: `${server.url}/elsewhere` },
      error: /refuses the login: NOT_ALLOWED - the virtual host elsewhere/,
    },
  ],
  outage: {
    begin: () => server.kill(),
    end: () => server.start(),
    error: /rabbitmq at 127\.0\.0\.1:\d+ can't be reached/,
  },
});
const oddTopics = ["orders/EU", "Grüße ☕", "a,b", "%2F.."];

pubsubContract("pubsub.rabbitmq", {
  has: ["durable", "groups", "metadata", "contentType"],
  oddTopics,
  makeSetup: () => setup(),
});

describe("one message at a time", () => {
  pubsubContract("pubsub.rabbitmq", {
    has: ["durable", "groups", "order", "metadata", "contentType"],
    oddTopics,
    isSerial: true,
    makeSetup: () => setup({ concurrency: "single" }),
  });
});
