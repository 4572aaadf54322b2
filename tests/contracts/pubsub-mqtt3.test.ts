/** pubsub.mqtt3 on a real Mosquitto against the contract of every message bus. Of MQTT 3.1.1 a message has no metadata. */
import { randomUUID } from "node:crypto";
import { startMosquitto, type Mosquitto } from "../support/mosquitto-server.ts";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

let server: Mosquitto;
beforeAll(async () => {
  server = await startMosquitto();
});
afterAll(() => server?.dispose());

pubsubContract("pubsub.mqtt3", {
  has: ["durable"],
  oddTopics: ["orders/EU", "Grüße ☕", "a,b", "%2F..", "/"],
  makeSetup: async (): Promise<PubSubSetup> => ({
    metadata: { url: server.url, consumerID: `client-${randomUUID()}` },
    bad: [
      { metadata: {}, error: "missing url" },
      { metadata: { url: "localhost" }, error: /'url': write mqtt:\/\// },
      { metadata: { url: "http://localhost" }, error: /the scheme is none of/ },
      {
        metadata: { url: server.url, qos: "3" },
        error: /'qos': 3 is not 0, 1 or 2/,
      },
      {
        metadata: { url: server.url, clientCert: "none" },
        error: /'clientKey' is missing/,
      },
    ],
    outage: {
      begin: () => server.kill(),
      end: () => server.start(),
      error: /mqtt server at 127\.0\.0\.1:\d+ can't be reached/,
    },
  }),
});
