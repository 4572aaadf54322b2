/** Publishes an order a second, by the SDK. */
import { setTimeout as sleep } from "node:timers/promises";
import { DaprClient } from "@dapr/dapr";

const { pubsub } = new DaprClient({ daprPort: process.env.DAPR_HTTP_PORT });

for (let orderId = 1; orderId <= 20; orderId++) {
  await pubsub.publish("orderpubsub", "orders", { orderId });
  console.log(`Published data: ${JSON.stringify({ orderId })}`);
  await sleep(1000);
}
