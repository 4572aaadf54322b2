/** pubsub.in-memory against the contract of every message bus. Its readers are those of its process, and it keeps nothing for them. */
import { pubsubContract } from "./pubsub-contract.ts";

pubsubContract("pubsub.in-memory", {
  has: ["order", "metadata", "contentType"],
  oddTopics: ["orders/EU", "Grüße ☕", "a,b", "__proto__"],
  makeSetup: async () => ({ metadata: {}, bad: [] }),
});
