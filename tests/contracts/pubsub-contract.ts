/**
 * The contract of every message bus, embedded or on a real server. A bus's test
 * adds how to get a fresh one, and what it does not have.
 */
import { pubsubDeliveryCases } from "./pubsub-delivery-cases.ts";
import { pubsubFailureCases } from "./pubsub-failure-cases.ts";
import { makePubSubHarness, type PubSubContract } from "./pubsub-harness.ts";

export function pubsubContract(type: string, contract: PubSubContract): void {
  describe(`${type} keeps the contract of a message bus:`, () => {
    const harness = makePubSubHarness(type, contract);
    pubsubDeliveryCases(harness, contract.oddTopics);
    pubsubFailureCases(harness);
  });
}
